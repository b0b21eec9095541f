#include "server/checks/adapter_check.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/formats/adapter_header.h"
#include "common/formats/adapter_layout.h"
#include "common/plain_text.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr int64_t kMaxWidth = 8192;             // of a site
constexpr size_t kPartBytes = size_t{8} << 20;  // of a file that are in memory at once
constexpr size_t kMaxInitWord = 32;             // characters

absl::Status Bad(std::string_view what, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("{} {}", what, why));
}

/// Whether all numbers of a 16- or 32-bit float format are finite, which have an exponent with a
/// zero bit.
template <typename Word>
bool AllFinite(std::span<const std::byte> bytes, Word exponent) {
  for (size_t at = 0; at + sizeof(Word) <= bytes.size(); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + at, sizeof(Word));  // files and hosts are little-endian
    if ((word & exponent) == exponent) return false;
  }
  return true;
}

bool AllFinite(std::span<const std::byte> bytes, DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return AllFinite<uint32_t>(bytes, 0x7f800000);
    case DType::kF16:
      return AllFinite<uint16_t>(bytes, 0x7c00);
    default:
      return AllFinite<uint16_t>(bytes, 0x7f80);  // BF16
  }
}

absl::Status CheckTensor(const SafetensorsFile& file, const TensorInfo& tensor) {
  const std::string what = fmt::format("tensor \"{}\"", tensor.name);
  if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF16 && tensor.dtype != DType::kBF16) {
    return Bad(what, fmt::format("must be F32, F16 or BF16, got {}", DTypeName(tensor.dtype)));
  }
  std::span<const std::byte> rest = file.bytes(tensor);
  while (!rest.empty()) {
    const auto part = rest.first(std::min(rest.size(), kPartBytes));
    rest = rest.subspan(part.size());
    if (!AllFinite(part, tensor.dtype)) return Bad(what, "holds infinite or undefined numbers");
    file.Release(part);
  }
  return absl::OkStatus();
}

/// The file must have exactly the learned word and all parameters of each site, in consistent
/// shapes. The worker that loads the adapter checks that they fit the base model.
absl::Status CheckNamesAndShapes(const SafetensorsFile& file,
                                 const std::vector<std::string>& sites) {
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
  ASSIGN_OR_RETURN(AdapterHeader header, ReadAdapterHeader(file.metadata()));
  if (CountCharacters(header.init_word) > kMaxInitWord || !FindNotPlain(header.init_word).empty()) {
    return Bad("metadata \"init_word\":",
               "must have at most 32 characters, none of them control or bidirectional");
  }
  RETURN_IF_ERROR(CheckNamesAndShapes(file, header.sites));
  for (const TensorInfo& tensor : file.tensors()) {
    RETURN_IF_ERROR(CheckTensor(file, tensor));
  }
  return AdapterFacts{.dialect = header.dialect == "paper" ? v1::DIALECT_PAPER : v1::DIALECT_MMAGIC,
                      .base_model_digest = std::move(header.base_model_digest),
                      .placeholder = std::move(header.placeholder),
                      .init_word = std::move(header.init_word)};
}

}  // namespace vico::server
