// Reads a file of prompts for `vico generate --prompts`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace vico::client {

/// One prompt a line, UTF-8, without the blanks around it. Empty lines and lines that start with #
/// are skipped. kInvalidArgument, with path and line, for a file that cannot be read, is no text,
/// has no prompt, or has more than 1,000.
absl::StatusOr<std::vector<std::string>> ReadPrompts(const std::filesystem::path& path);

}  // namespace vico::client
