// Copies of a file that share its blocks on the disk until one of them is changed.
#pragma once

#include <string>

#include <absl/status/statusor.h>

namespace vico::server {

/// Creates `to`, for its owner only, as a durable clone of `from`. False, and no file, when the
/// file system has no clones or the two are not on one. Errors as Files.
absl::StatusOr<bool> CloneFile(const std::string& from, const std::string& to);

}  // namespace vico::server
