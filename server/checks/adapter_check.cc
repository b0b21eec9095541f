#include "server/checks/adapter_check.h"

#include <cstring>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/formats/adapter_layout.h"
#include "common/sha256.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr int64_t kMaxWidth = 8192;  // of a site

absl::Status Bad(std::string_view what, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("{} {}", what, why));
}

/// Whether every number of a 16- or 32-bit float format is finite: an exponent of all ones is not.
template <typename Word>
bool AllFinite(std::span<const std::byte> bytes, Word exponent) {
  for (size_t at = 0; at + sizeof(Word) <= bytes.size(); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + at, sizeof(Word));  // files and hosts are little-endian
    if ((word & exponent) == exponent) return false;
  }
  return true;
}

absl::Status CheckTensor(const SafetensorsFile& file, const TensorInfo& tensor) {
  bool finite = false;
  switch (tensor.dtype) {
    case DType::kF32:
      finite = AllFinite<uint32_t>(file.bytes(tensor), 0x7f800000);
      break;
    case DType::kF16:
      finite = AllFinite<uint16_t>(file.bytes(tensor), 0x7c00);
      break;
    case DType::kBF16:
      finite = AllFinite<uint16_t>(file.bytes(tensor), 0x7f80);
      break;
    default:
      return Bad(fmt::format("tensor \"{}\"", tensor.name),
                 fmt::format("must be F32, F16 or BF16, got {}", DTypeName(tensor.dtype)));
  }
  if (!finite) {
    return Bad(fmt::format("tensor \"{}\"", tensor.name), "holds infinite or undefined numbers");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Metadata(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return Bad("metadata", fmt::format("lacks \"{}\"", key));
  return found->second;
}

absl::StatusOr<std::set<std::string>> ParseSites(const std::string& text) {
  const auto list = nlohmann::json::parse(text, nullptr, false);
  std::set<std::string> sites;
  bool good = list.is_array() && !list.empty() && list.size() <= 16;
  for (size_t i = 0; good && i < list.size(); ++i) {
    good = list[i].is_string() && sites.insert(list[i].get<std::string>()).second;
  }
  if (!good) return Bad("metadata \"sites\"", "must be a JSON list of 1..16 different names");
  return sites;
}

/// Exactly the learned word and all parameters of each site, in shapes that fit each other. Whether
/// they fit the base model is seen by the worker that loads them.
absl::Status CheckNamesAndShapes(const SafetensorsFile& file, const std::set<std::string>& sites) {
  const TensorInfo* word = file.Find(kPlaceholderEmbedding);
  if (word == nullptr || word->shape.size() != 2 || word->shape[0] != 1) {
    return Bad(fmt::format("tensor \"{}\"", kPlaceholderEmbedding),
               "must be there, of shape [1, D]");
  }
  size_t expected = 1;
  for (const std::string& site : sites) {
    const std::string prefix = site + std::string(kImageAttention);
    const TensorInfo* first = file.Find(prefix + "norm1.weight");
    const int64_t width = first != nullptr && first->shape.size() == 1 ? first->shape[0] : 0;
    if (width < 1 || width > kMaxWidth) {
      return Bad(fmt::format("tensor \"{}norm1.weight\"", prefix), "must be there, of shape [d]");
    }
    for (const auto& [leaf, shape] : AdapterLeaves(width)) {
      const TensorInfo* tensor = file.Find(prefix + leaf);
      if (tensor == nullptr || tensor->shape != shape) {
        return Bad(fmt::format("tensor \"{}{}\"", prefix, leaf),
                   fmt::format("must be there, of shape {}", ShapeText(shape)));
      }
      ++expected;
    }
  }
  if (file.tensors().size() != expected) {
    return Bad("the file", fmt::format("must have {} tensors for its sites, got {}", expected,
                                       file.tensors().size()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AdapterFacts> CheckAdapterFile(const SafetensorsFile& file) {
  AdapterFacts facts;
  ASSIGN_OR_RETURN(const std::string format, Metadata(file, "format"));
  if (format != "vico-adapter") return Bad("metadata \"format\"", "must be \"vico-adapter\"");
  ASSIGN_OR_RETURN(const std::string version, Metadata(file, "format_version"));
  if (version != "1") return Bad("metadata \"format_version\"", "must be \"1\"");
  ASSIGN_OR_RETURN(const std::string dialect, Metadata(file, "dialect"));
  if (dialect == "paper") {
    facts.dialect = v1::DIALECT_PAPER;
  } else if (dialect == "mmagic") {
    facts.dialect = v1::DIALECT_MMAGIC;
  } else {
    return Bad("metadata \"dialect\"", "must be \"paper\" or \"mmagic\"");
  }
  ASSIGN_OR_RETURN(facts.base_model_digest, Metadata(file, "base_model_digest"));
  if (!IsSha256Hex(facts.base_model_digest)) {
    return Bad("metadata \"base_model_digest\"", "must be 64 lower-case hexadecimal digits");
  }
  ASSIGN_OR_RETURN(facts.placeholder, Metadata(file, "placeholder"));
  if (!IsPlaceholder(facts.placeholder)) {
    return Bad("metadata \"placeholder\"", "must be 1..32 characters of [A-Za-z0-9_*<>-]");
  }
  ASSIGN_OR_RETURN(facts.init_word, Metadata(file, "init_word"));
  if (facts.init_word.size() > 32) {  // empty: not known, as of files that other programs wrote
    return Bad("metadata \"init_word\"", "must have at most 32 bytes");
  }
  ASSIGN_OR_RETURN(const std::string site_list, Metadata(file, "sites"));
  ASSIGN_OR_RETURN(const std::set<std::string> sites, ParseSites(site_list));
  if (const auto found = file.metadata().find("reference_sha256"); found != file.metadata().end()) {
    if (!IsSha256Hex(found->second)) {
      return Bad("metadata \"reference_sha256\"", "must be 64 lower-case hexadecimal digits");
    }
    facts.reference_sha256 = found->second;
  }

  RETURN_IF_ERROR(CheckNamesAndShapes(file, sites));
  for (const TensorInfo& tensor : file.tensors()) {
    RETURN_IF_ERROR(CheckTensor(file, tensor));
  }
  return facts;
}

}  // namespace vico::server
