// Where the file of a blob is in a data folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace vico::server {

/// The file of the blob, whose name begins with its digest. A path that does not exist when there
/// is none.
inline std::string BlobFile(const std::string& data, std::string_view tenant,
                            std::string_view sha256) {
  const std::string folder = fmt::format("{}/blobs/{}/{}", data, tenant, sha256.substr(0, 2));
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().filename().string().starts_with(sha256)) return entry.path().string();
  }
  return fmt::format("{}/{}", folder, sha256);
}

}  // namespace vico::server
