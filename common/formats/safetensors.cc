#include "common/formats/safetensors.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "common/formats/little_endian.h"
#include "common/formats/safetensors_header.h"
#include "common/status.h"

namespace vico {
namespace {

constexpr size_t kPrefix = 8;  // bytes of the header length

absl::Status Broken(const std::string& source, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", source, what));
}

/// Checks that the ranges, sorted by offset, cover 0..size without holes or overlaps.
absl::Status CheckContiguous(const std::string& source, const std::vector<TensorInfo>& tensors,
                             uint64_t size) {
  std::vector<const TensorInfo*> order;
  order.reserve(tensors.size());
  for (const auto& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorInfo* a, const TensorInfo* b) {
    return std::tie(a->begin, a->end) < std::tie(b->begin, b->end);
  });
  uint64_t expected = 0;
  for (const TensorInfo* tensor : order) {
    if (tensor->begin != expected) {
      return Broken(
          source,
          fmt::format("tensor \"{}\": begins at byte {}, {} {}", tensor->name, tensor->begin,
                      tensor->begin < expected ? "inside the one before, which ends at"
                                               : "leaving a hole after",
                      expected));
    }
    expected = tensor->end;
  }
  if (expected != size) {
    return Broken(
        source, fmt::format("tensors end at byte {}, but the file has {} bytes of data{}", expected,
                            size, expected > size ? ": the download or copy did not finish" : ""));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view DTypeName(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return "F64";
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    case DType::kF8E4M3:
      return "F8_E4M3";
    case DType::kF8E5M2:
      return "F8_E5M2";
    case DType::kF8E8M0:
      return "F8_E8M0";
    case DType::kC64:
      return "C64";
    case DType::kI64:
      return "I64";
    case DType::kI32:
      return "I32";
    case DType::kI16:
      return "I16";
    case DType::kI8:
      return "I8";
    case DType::kU64:
      return "U64";
    case DType::kU32:
      return "U32";
    case DType::kU16:
      return "U16";
    case DType::kU8:
      return "U8";
    case DType::kBool:
      return "BOOL";
  }
  return "";
}

size_t DTypeSize(DType dtype) {
  switch (dtype) {
    case DType::kF64:
    case DType::kC64:
    case DType::kI64:
    case DType::kU64:
      return 8;
    case DType::kF32:
    case DType::kI32:
    case DType::kU32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
    case DType::kI16:
    case DType::kU16:
      return 2;
    case DType::kF8E4M3:
    case DType::kF8E5M2:
    case DType::kF8E8M0:
    case DType::kI8:
    case DType::kU8:
    case DType::kBool:
      return 1;
  }
  return 1;
}

std::string ShapeText(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::string& path,
                                                      uint64_t header_limit) {
  ASSIGN_OR_RETURN(MappedBytes mapped, MapFile(path, kPrefix, "a safetensors file"));
  return Take(std::move(mapped), path, header_limit);
}

absl::StatusOr<SafetensorsFile> SafetensorsFile::FromBytes(std::string bytes, std::string source,
                                                           uint64_t header_limit) {
  return Take(OwnBytes(std::move(bytes)), std::move(source), header_limit);
}

absl::StatusOr<SafetensorsFile> SafetensorsFile::Take(MappedBytes bytes, std::string source,
                                                      uint64_t header_limit) {
  SafetensorsFile file;
  file.source_ = std::move(source);
  file.owner_ = std::move(bytes.owner);
  file.from_file_ = bytes.from_file;
  RETURN_IF_ERROR(file.Parse(bytes.bytes, header_limit));
  return file;
}

absl::Status SafetensorsFile::Parse(std::span<const std::byte> file, uint64_t header_limit) {
  if (file.size() < kPrefix) return Broken(source_, "is too short for a safetensors file");
  const auto length = LoadLittleEndian<uint64_t>(file, 0);
  if (length > header_limit) {
    return Broken(source_,
                  fmt::format("header of {} bytes, at most {} allowed", length, header_limit));
  }
  if (length > file.size() - kPrefix) {
    return Broken(source_,
                  fmt::format("header of {} bytes reaches beyond the file: the download or "
                              "copy did not finish, or it is no safetensors file",
                              length));
  }
  const auto text = file.subspan(kPrefix, length);
  auto header = ParseSafetensorsHeader({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!header.ok()) return Broken(source_, std::string(header.status().message()));
  tensors_ = std::move(header->tensors);
  metadata_ = std::move(header->metadata);
  data_ = file.subspan(kPrefix + length);
  std::sort(tensors_.begin(), tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  return CheckContiguous(source_, tensors_, data_.size());
}

const TensorInfo* SafetensorsFile::Find(std::string_view name) const {
  const auto it = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return it != tensors_.end() && it->name == name ? &*it : nullptr;
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorInfo& tensor) const {
  return data_.subspan(tensor.begin, tensor.end - tensor.begin);
}

}  // namespace vico
