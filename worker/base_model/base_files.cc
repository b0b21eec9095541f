#include "worker/base_model/base_files.h"

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "worker/io/file.h"

namespace vico::worker {

namespace fs = std::filesystem;

std::string BaseFiles::FolderName() const {
  return fs::absolute(root_ / "").lexically_normal().parent_path().filename().string();
}

absl::StatusOr<std::string> BaseFiles::Read(const std::string& name) {
  Use(name, Path(name));
  return ReadSmallFile(Path(name));
}

absl::StatusOr<WeightFiles> BaseFiles::FindWeights(const std::string& folder,
                                                   const std::string& stem) {
  ASSIGN_OR_RETURN(WeightFiles weights, FindWeightFiles(Path(folder), stem));
  const auto use = [&](const std::string& path) {
    Use(folder + "/" + fs::path(path).filename().string(), path);
  };
  for (const auto& path : weights.paths) use(path);
  if (!weights.index.empty()) use(weights.index);
  return weights;
}

absl::StatusOr<std::string> BaseFiles::Digest() const {
  std::string lines;
  for (const auto& [name, path] : used_) {
    ASSIGN_OR_RETURN(const std::string hash, FileSha256(path));
    lines += fmt::format("{}  {}\n", hash, name);
  }
  return Sha256Hex(lines);
}

}  // namespace vico::worker
