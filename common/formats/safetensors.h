// Reads and writes safetensors files: named tensors in one file. The reader is strict; the writer
// gives equal bytes for equal input.
// Format: 8 bytes little-endian header length, JSON header, tensor bytes (row-major,
// little-endian).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/formats/mapped_file.h"

namespace vico {

enum class DType {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8E4M3,  ///< 4 bits of exponent, no infinity; torch.float8_e4m3fn
  kF8E5M2,  ///< 5 bits of exponent; torch.float8_e5m2
  kF8E8M0,  ///< scales of microscaling formats
  kC64,
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8,
  kBool
};
inline constexpr int kDTypes = static_cast<int>(DType::kBool) + 1;

/// The name used in the file, for example "BF16".
std::string_view DTypeName(DType dtype);
size_t DTypeSize(DType dtype);  ///< bytes per element

/// "[3, 64, 64]", for messages.
std::string ShapeText(std::span<const int64_t> shape);

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  ///< offset of the first byte, counted from the end of the header
  uint64_t end = 0;    ///< one past the last byte
};

/// Limits of the JSON header in bytes. An adapter has about a hundred tensors, a base model about a
/// thousand.
inline constexpr uint64_t kAdapterHeaderLimit = uint64_t{1} << 20;
inline constexpr uint64_t kModelHeaderLimit = uint64_t{16} << 20;

/// A file that passed all checks: the ranges of its tensors fit shape and dtype, and are contiguous
/// from byte 0 to the end of the file. The object owns the bytes, mapped or in a string; spans are
/// valid while it lives. Movable.
class SafetensorsFile {
 public:
  /// Maps the file read-only. kNotFound if it is missing; kInvalidArgument that names file and
  /// tensor if it breaks a rule. The file must not be truncated while the object lives.
  static absl::StatusOr<SafetensorsFile> Open(const std::string& path,
                                              uint64_t header_limit = kModelHeaderLimit);

  /// The same checks on bytes in memory; `source` stands for the path in messages.
  static absl::StatusOr<SafetensorsFile> FromBytes(std::string bytes, std::string source,
                                                   uint64_t header_limit = kAdapterHeaderLimit);

  /// The same checks on a file that is mapped already.
  static absl::StatusOr<SafetensorsFile> FromMapping(MappedBytes bytes, std::string source,
                                                     uint64_t header_limit = kAdapterHeaderLimit) {
    return Take(std::move(bytes), std::move(source), header_limit);
  }

  const std::string& source() const { return source_; }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }  ///< ascending by name
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  const TensorInfo* Find(std::string_view name) const;  ///< nullptr if there is none
  std::span<const std::byte> bytes(const TensorInfo& tensor) const;

  /// Frees the memory of a part of a tensor's bytes until they are read again, if it is mapped.
  void Release(std::span<const std::byte> part) const {
    if (from_file_) ReleasePages(part);
  }

 private:
  SafetensorsFile() = default;
  static absl::StatusOr<SafetensorsFile> Take(MappedBytes bytes, std::string source,
                                              uint64_t header_limit);
  absl::Status Parse(std::span<const std::byte> file, uint64_t header_limit);

  std::string source_;
  std::shared_ptr<const void> owner_;  // of the bytes of data_
  bool from_file_ = false;             // they are mapped
  std::span<const std::byte> data_;    // the file without its header
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// A tensor to write; both views must outlive the call.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

/// The bytes of a file. Equal input gives equal bytes: tensors are ordered by element size (largest
/// first, so every tensor is aligned) and then by name; the header is padded to a multiple of 8.
/// kInvalidArgument for a duplicate or reserved name, a name that is not UTF-8, or bytes that do
/// not fit shape and dtype.
absl::StatusOr<std::string> SerializeSafetensors(
    std::span<const TensorView> tensors, const std::map<std::string, std::string>& metadata);

/// Writes the same bytes atomically: after a crash `path` is either the old file or the whole new
/// one. It writes a temporary file beside it, then calls fsync, rename, and fsync on the folder.
absl::Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors,
                              const std::map<std::string, std::string>& metadata);

}  // namespace vico
