#include "common/formats/adapter_header.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/crypto/sha256.h"
#include "common/formats/adapter_layout.h"

namespace vico {
namespace {

constexpr char kFormat[] = "vico-adapter";
constexpr char kVersion[] = "1";
constexpr size_t kMaxSites = 16;

/// Reads values of the metadata and keeps the first error.
class MetadataReader {
 public:
  explicit MetadataReader(const std::map<std::string, std::string>& metadata)
      : metadata_(metadata) {}

  std::string Required(const std::string& key) {
    const auto found = metadata_.find(key);
    if (found != metadata_.end()) return found->second;
    Fail(key, "is missing");
    return "";
  }

  std::string Optional(const std::string& key) const {
    const auto found = metadata_.find(key);
    return found == metadata_.end() ? "" : found->second;
  }

  std::string OneOf(const std::string& key, std::initializer_list<std::string_view> allowed) {
    std::string text = Required(key);
    if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
      Fail(key,
           fmt::format("must be {}, found \"{}\"", fmt::join(allowed, " or "), text.substr(0, 40)));
    }
    return text;
  }

  void CheckDigest(const std::string& key, const std::string& text) {
    if (!IsSha256Hex(text)) Fail(key, "must be 64 lower-case hexadecimal digits");
  }

  std::string Placeholder() {
    std::string word = Required("placeholder");
    if (!IsPlaceholder(word)) Fail("placeholder", "must be 1..32 characters of [A-Za-z0-9_*<>-]");
    return word;
  }

  std::vector<std::string> Sites() {
    const auto list = nlohmann::json::parse(Required("sites"), nullptr, false);
    std::vector<std::string> sites;
    std::set<std::string> names;
    bool valid = list.is_array() && !list.empty() && list.size() <= kMaxSites;
    for (size_t i = 0; valid && i < list.size(); ++i) {
      valid = list[i].is_string() && names.insert(list[i].get<std::string>()).second;
      if (valid) sites.push_back(list[i].get<std::string>());
    }
    if (!valid) Fail("sites", "must be a JSON list of 1..16 different names");
    return sites;
  }

  template <typename Number>
  Number WholeNumber(const std::string& key) {
    const std::string text = Optional(key);
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && (error != std::errc() || end != text.data() + text.size())) {
      Fail(key, "must be a whole number");
    }
    return number;
  }

  const absl::Status& status() const { return status_; }

 private:
  void Fail(std::string_view key, std::string_view what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(fmt::format("metadata \"{}\": {}", key, what));
  }

  const std::map<std::string, std::string>& metadata_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<AdapterHeader> ReadAdapterHeader(
    const std::map<std::string, std::string>& metadata) {
  MetadataReader reader(metadata);
  AdapterHeader header;
  reader.OneOf("format", {kFormat});
  reader.OneOf("format_version", {kVersion});
  header.dialect = reader.OneOf("dialect", {"paper", "mmagic"});
  header.base_model_digest = reader.Required("base_model_digest");
  reader.CheckDigest("base_model_digest", header.base_model_digest);
  header.placeholder = reader.Placeholder();
  header.init_word = reader.Required("init_word");
  header.sites = reader.Sites();
  header.steps = reader.WholeNumber<int64_t>("steps");
  header.seed = reader.WholeNumber<uint64_t>("seed");
  header.code_version = reader.Optional("code_version");
  header.config = reader.Optional("config");
  header.reference_sha256 = reader.Optional("reference_sha256");
  if (!header.reference_sha256.empty()) {
    reader.CheckDigest("reference_sha256", header.reference_sha256);
  }
  header.imported_from = reader.Optional("imported_from");
  if (!reader.status().ok()) return reader.status();
  return header;
}

std::map<std::string, std::string> AdapterMetadata(const AdapterHeader& header) {
  std::map<std::string, std::string> metadata = {{"format", kFormat},
                                                 {"format_version", kVersion},
                                                 {"dialect", header.dialect},
                                                 {"base_model_digest", header.base_model_digest},
                                                 {"placeholder", header.placeholder},
                                                 {"init_word", header.init_word},
                                                 {"sites", nlohmann::json(header.sites).dump()}};
  if (!header.imported_from.empty()) {
    metadata["imported_from"] = header.imported_from;
    return metadata;
  }
  metadata["steps"] = std::to_string(header.steps);
  metadata["seed"] = std::to_string(header.seed);
  metadata["code_version"] = header.code_version;
  metadata["config"] = header.config;
  metadata["reference_sha256"] = header.reference_sha256;
  return metadata;
}

}  // namespace vico
