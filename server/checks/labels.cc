#include "server/checks/labels.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/status.h"
#include "server/checks/words.h"

namespace vico::server {
namespace {

constexpr size_t kMaxDisplayName = 255;  // characters
constexpr size_t kMaxLabelName = 63;
constexpr size_t kMaxLabelPrefix = 253;
constexpr int kMaxMaskPaths = 2 * kMaxLabels;
constexpr std::string_view kOneLabel = "labels.";

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsLabelName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelName && IsLetterOrDigit(text.front()) &&
         IsLetterOrDigit(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return IsLetterOrDigit(c) || c == '-' || c == '_' || c == '.';
         });
}

/// Parts of lower-case letters, digits and '-', separated by dots; each begins and ends with a
/// letter or digit.
bool IsDnsName(std::string_view text) {
  if (text.empty() || text.size() > kMaxLabelPrefix) return false;
  char before = '.';
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain && c != '-' && c != '.') return false;
    if (!plain && before == '.') return false;
    if (c == '.' && before == '-') return false;
    before = c;
  }
  return before != '.' && before != '-';
}

absl::Status CheckLabels(std::string_view field, const Labels& labels) {
  FieldErrors errors;
  if (labels.size() > static_cast<size_t>(kMaxLabels)) {
    return FieldError(field, fmt::format("must be at most {}, got {}", kMaxLabels, labels.size()));
  }
  for (const auto& [key, value] : labels) {
    errors.Add(CheckLabelKey(field, key));
    errors.Add(CheckLabelValue(fmt::format("{}[{}]", field, key.substr(0, 100)), value));
  }
  return errors.status();
}

}  // namespace

absl::Status CheckLabelKey(std::string_view field, std::string_view key) {
  const size_t slash = key.find('/');
  const bool has_prefix = slash != std::string_view::npos;
  if ((!has_prefix || IsDnsName(key.substr(0, slash))) &&
      IsLabelName(has_prefix ? key.substr(slash + 1) : key)) {
    return absl::OkStatus();
  }
  return FieldError(
      field,
      fmt::format("a key must be 1..63 characters of [A-Za-z0-9._-], the first and the last a "
                  "letter or digit, after an optional DNS name and '/'; got \"{}\"",
                  key.substr(0, 100)));
}

absl::Status CheckLabelValue(std::string_view field, std::string_view value) {
  if (value.empty() || IsLabelName(value)) return absl::OkStatus();
  return FieldError(
      field,
      fmt::format("must be empty or 1..63 characters of [A-Za-z0-9._-], the first and the last "
                  "a letter or digit; got \"{}\"",
                  value.substr(0, 100)));
}

absl::Status CheckDisplay(const std::string& display_name, const Labels& labels) {
  FieldErrors errors;
  errors.Add(CheckName("display_name", display_name, kMaxDisplayName));
  errors.Add(CheckLabels("labels", labels));
  return errors.status();
}

absl::StatusOr<ResourceUpdate> CheckUpdate(std::string_view resource,
                                           const std::string& display_name, const Labels& labels,
                                           const google::protobuf::FieldMask& mask) {
  const std::string name_field = fmt::format("{}.display_name", resource);
  const std::string labels_field = fmt::format("{}.labels", resource);
  ResourceUpdate update;
  FieldErrors errors;
  const auto take_labels = [&] {
    errors.Add(CheckLabels(labels_field, labels));
    for (const auto& [key, value] : labels) update.labels[key] = value;
    update.replaces_labels = true;
  };
  const auto take_name = [&] {
    errors.Add(CheckName(name_field, display_name, kMaxDisplayName));
    update.display_name = display_name;
  };
  if (mask.paths().empty()) {
    if (!display_name.empty()) take_name();
    if (!labels.empty()) take_labels();
  }
  if (mask.paths_size() > kMaxMaskPaths) {
    return FieldError("update_mask", fmt::format("must have at most {} paths, got {}",
                                                 kMaxMaskPaths, mask.paths_size()));
  }
  for (const std::string& path : mask.paths()) {
    if (path == "display_name") {
      take_name();
    } else if (path == "labels") {
      take_labels();
    } else if (path.starts_with(kOneLabel)) {
      const std::string key = path.substr(kOneLabel.size());
      errors.Add(CheckLabelKey("update_mask", key));
      const auto found = labels.find(key);
      if (found == labels.end()) {
        update.labels[key] = std::nullopt;
      } else {
        errors.Add(CheckLabelValue(fmt::format("{}[{}]", labels_field, key.substr(0, 100)),
                                   found->second));
        update.labels[key] = found->second;
      }
    } else {
      errors.Add("update_mask",
                 fmt::format("must be of display_name, labels and labels.{{key}}; got \"{}\"",
                             path.substr(0, 100)));
    }
  }
  RETURN_IF_ERROR(errors.status());
  return update;
}

}  // namespace vico::server
