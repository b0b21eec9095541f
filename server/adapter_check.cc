#include "server/adapter_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/sha256.h"
#include "common/status.h"
#include "server/request.h"

namespace vico {
namespace {

constexpr size_t kMaxTensors = 512;

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

absl::Status CheckSites(const std::string& text) {
  const auto sites = nlohmann::json::parse(text, nullptr, false);
  const bool good = sites.is_array() && !sites.empty() && sites.size() <= 16 &&
                    std::all_of(sites.begin(), sites.end(),
                                [](const nlohmann::json& site) { return site.is_string(); });
  return good ? absl::OkStatus() : Bad("metadata \"sites\"", "must be a JSON list of 1..16 names");
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
  } else {
    return Bad("metadata \"dialect\"", "must be \"paper\"; no other can be used here");
  }
  ASSIGN_OR_RETURN(facts.base_model_digest, Metadata(file, "base_model_digest"));
  if (!IsSha256Hex(facts.base_model_digest)) {
    return Bad("metadata \"base_model_digest\"", "must be 64 lower-case hexadecimal digits");
  }
  ASSIGN_OR_RETURN(facts.placeholder, Metadata(file, "placeholder"));
  if (!CheckPlaceholder("placeholder", facts.placeholder).ok()) {
    return Bad("metadata \"placeholder\"", "must be 1..32 characters of [A-Za-z0-9_*<>-]");
  }
  ASSIGN_OR_RETURN(facts.init_word, Metadata(file, "init_word"));
  if (facts.init_word.empty() || facts.init_word.size() > 32) {
    return Bad("metadata \"init_word\"", "must have 1..32 bytes");
  }
  ASSIGN_OR_RETURN(const std::string sites, Metadata(file, "sites"));
  RETURN_IF_ERROR(CheckSites(sites));
  if (const auto found = file.metadata().find("reference_sha256"); found != file.metadata().end()) {
    if (!IsSha256Hex(found->second)) {
      return Bad("metadata \"reference_sha256\"", "must be 64 lower-case hexadecimal digits");
    }
    facts.reference_sha256 = found->second;
  }

  if (file.tensors().empty() || file.tensors().size() > kMaxTensors) {
    return Bad("the file",
               fmt::format("must have 1..{} tensors, got {}", kMaxTensors, file.tensors().size()));
  }
  for (const TensorInfo& tensor : file.tensors()) {
    RETURN_IF_ERROR(CheckTensor(file, tensor));
  }
  return facts;
}

}  // namespace vico
