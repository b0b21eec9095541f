// The files a base model is read from, and the digest over those that were used.
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

  /// The text of a file that takes part in the digest under its name.
  absl::StatusOr<std::string> Read(const std::string& name);

  /// As FindWeightFiles(); what it finds takes part in the digest.
  absl::StatusOr<WeightFiles> FindWeights(const std::string& folder, const std::string& stem);

  /// A file that takes part in the digest under another name than its own.
  void Use(const std::string& digest_name, const std::string& path) { used_[digest_name] = path; }

  /// SHA-256 of the lines "<sha256>  <name>\n" of the files used, sorted by name.
  absl::StatusOr<std::string> Digest() const;

 private:
  std::filesystem::path root_;
  std::map<std::string, std::string> used_;  // name in the digest -> path
};

/// Bytes of vocabulary and merges, and the token prompts are padded with: that of
/// tokenizer_config.json, else of special_tokens_map.json, else the end token.
struct TokenizerTexts {
  std::string vocabulary, merges, pad_token;
};

/// Reads `folder` of `files`, which may be "". In the digest the names begin with "tokenizer/".
absl::StatusOr<TokenizerTexts> ReadTokenizer(BaseFiles& files, const std::string& folder);

}  // namespace vico::worker
