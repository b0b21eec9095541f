#include "client/arguments/label_options.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::size_t kMostLetters = 63;
constexpr std::size_t kMostPrefixLetters = 253;
constexpr std::size_t kMostLabels = 64;

bool IsLower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsLetterOrDigit(char c) { return IsLower(c) || (c >= 'A' && c <= 'Z'); }

bool IsLabelName(std::string_view text) {
  return !text.empty() && text.size() <= kMostLetters && IsLetterOrDigit(text.front()) &&
         IsLetterOrDigit(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return IsLetterOrDigit(c) || c == '-' || c == '_' || c == '.';
         });
}

bool IsDnsName(std::string_view text) {
  if (text.empty() || text.size() > kMostPrefixLetters) return false;
  const std::vector<std::string> parts = absl::StrSplit(std::string(text), '.');
  return std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    return !part.empty() && IsLower(part.front()) && IsLower(part.back()) &&
           std::all_of(part.begin(), part.end(), [](char c) { return IsLower(c) || c == '-'; });
  });
}

/// The error of an option as CLI11 takes it.
void ThrowIfError(const std::string& option, const absl::Status& status) {
  const absl::Status named = WithField(option, status);
  if (!named.ok()) throw CLI::ValidationError(std::string(named.message()));
}

}  // namespace

absl::Status CheckLabelKey(const std::string& key) {
  const std::size_t slash = key.find('/');
  const bool prefixed = slash != std::string::npos;
  const std::string_view name = prefixed ? std::string_view(key).substr(slash + 1) : key;
  if (IsLabelName(name) && (!prefixed || IsDnsName(std::string_view(key).substr(0, slash)))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format(
      "a key must be 1..{} letters, digits, '-', '_' and '.' between a letter or digit at both "
      "ends, after an optional DNS name and '/', got \"{}\"",
      kMostLetters, Printable(key)));
}

absl::StatusOr<std::pair<std::string, std::string>> ParseLabel(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("must be KEY=VALUE, got \"{}\"", Printable(text)));
  }
  std::string key = text.substr(0, equals);
  std::string value = text.substr(equals + 1);
  RETURN_IF_ERROR(CheckLabelKey(key));
  if (!value.empty() && !IsLabelName(value)) {
    return absl::InvalidArgumentError(fmt::format(
        "a value must be empty or 1..{} letters, digits, '-', '_' and '.' between a letter or "
        "digit at both ends, got \"{}\"",
        kMostLetters, Printable(value)));
  }
  return std::pair(std::move(key), std::move(value));
}

void AddLabelOption(CLI::App& app, Labels& labels) {
  app.add_option_function<std::vector<std::string>>(
         "--label",
         [&labels](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             const auto label = ParseLabel(text);
             ThrowIfError("--label", label.status());
             labels[label->first] = label->second;
           }
           if (labels.size() > kMostLabels) {
             throw CLI::ValidationError(fmt::format("--label: must be at most {} labels, got {}",
                                                    kMostLabels, labels.size()));
           }
         },
         "A label, as owner=ana; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

void AddDisplayOptions(CLI::App& app, JobDisplay& display) {
  app.add_option("--name", display.display_name, "Display name in listings");
  AddLabelOption(app, display.labels);
}

void AddChangeOptions(CLI::App& app, Changes& changes) {
  AddLabelOption(app, changes.labels);
  app.add_option_function<std::vector<std::string>>(
         "--remove-label",
         [&changes](const std::vector<std::string>& keys) {
           for (const std::string& key : keys) {
             ThrowIfError("--remove-label", CheckLabelKey(key));
             changes.removed_labels.push_back(key);
           }
         },
         "Key of a label to remove; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY");
  app.add_option_function<std::string>(
      "--name", [&changes](const std::string& name) { changes.display_name = name; },
      "New display name in listings");
}

}  // namespace vico::client
