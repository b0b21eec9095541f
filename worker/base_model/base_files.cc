#include "worker/base_model/base_files.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/sha256.h"
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

absl::StatusOr<TokenizerTexts> ReadTokenizer(BaseFiles& files, const std::string& folder) {
  const auto read = [&](const std::string& name) {
    const std::string path = files.Path(folder.empty() ? name : folder + "/" + name);
    files.Use("tokenizer/" + name, path);
    return ReadSmallFile(path);
  };
  TokenizerTexts texts;
  ASSIGN_OR_RETURN(texts.vocabulary, read("vocab.json"));
  ASSIGN_OR_RETURN(texts.merges, read("merges.txt"));
  texts.pad_token = "<|endoftext|>";
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const std::string relative = folder.empty() ? name : folder + "/" + name;
    if (!files.Has(relative)) continue;
    ASSIGN_OR_RETURN(const std::string text, read(name));
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) {
      return absl::InvalidArgumentError(files.Path(relative) + ": is not a JSON object");
    }
    auto pad = json.value("pad_token", nlohmann::json());
    if (pad.is_object()) pad = pad.value("content", nlohmann::json());
    if (!pad.is_string()) continue;
    texts.pad_token = pad.get<std::string>();
    break;
  }
  return texts;
}

}  // namespace vico::worker
