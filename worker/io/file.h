// Reads and writes whole files, and hashes them.
#pragma once

#include <cstddef>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::worker {

/// kNotFound naming the file, or kInvalidArgument if it has more than `max_bytes` or only stands
/// for the file (a Git LFS pointer, a web page).
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes = 16 << 20);

absl::Status WriteSmallFile(const std::string& path, const std::string& bytes);

/// SHA-256 of a file of any size, in lower-case hexadecimal digits.
absl::StatusOr<std::string> FileSha256(const std::string& path);

}  // namespace vico::worker
