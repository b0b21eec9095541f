// The files of a base model, and the digest of those that were read.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/base_model/weights.h"

namespace vico::worker {

/// Files below one directory.
class BaseFiles {
 public:
  explicit BaseFiles(std::filesystem::path root) : root_(std::move(root)) {}

  std::string Path(const std::string& name) const { return (root_ / name).string(); }
  bool Has(const std::string& name) const { return std::filesystem::is_regular_file(root_ / name); }
  std::string FolderName() const;

  /// Reads a file and adds it to the digest under its name.
  absl::StatusOr<std::string> Read(const std::string& name);

  /// FindWeightFiles() that adds what it finds to the digest.
  absl::StatusOr<WeightFiles> FindWeights(const std::string& folder, const std::string& stem);

  /// Adds a file to the digest under another name.
  void Use(const std::string& digest_name, const std::string& path) { used_[digest_name] = path; }

  /// SHA-256 of the lines "<sha256>  <name>\n" of the added files, sorted by name.
  absl::StatusOr<std::string> Digest() const;

 private:
  std::filesystem::path root_;
  std::map<std::string, std::string> used_;  // name in the digest -> path
};

}  // namespace vico::worker
