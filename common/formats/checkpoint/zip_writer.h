// Writes zip archives that PyTorch reads: uncompressed, members aligned, without zip64.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico {

class ZipWriter {
 public:
  void Add(std::string_view name, std::span<const std::byte> bytes);

  /// The archive. kInvalidArgument if it exceeds the limits of a zip archive without zip64: 4 GiB,
  /// 65,534 members.
  absl::StatusOr<std::string> Finish() &&;

 private:
  std::string bytes_;
  std::string directory_;
  size_t members_ = 0;
  bool too_large_ = false;
};

}  // namespace vico
