#include "worker/base_model/tokenizer_files.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "common/text/tokenizer_json.h"
#include "common/text/tokenizer_text.h"
#include "worker/io/file.h"

namespace vico::worker {
namespace {

using nlohmann::json;

/// Reads files of one folder.
class Folder {
 public:
  Folder(BaseFiles& files, const std::string& folder)
      : files_(files), prefix_(folder.empty() ? "" : folder + "/") {}

  bool Has(const std::string& name) const { return files_.Has(prefix_ + name); }
  std::string Path(const std::string& name) const { return files_.Path(prefix_ + name); }
  void Use(const std::string& name) const { files_.Use("tokenizer/" + name, Path(name)); }

  absl::StatusOr<std::string> Read(const std::string& name) const {
    Use(name);
    return ReadSmallFile(Path(name));
  }

  absl::StatusOr<json> ReadObject(const std::string& name) const {
    ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(Path(name)));
    json object = json::parse(text, nullptr, false);
    if (object.is_object()) return object;
    return absl::InvalidArgumentError(Path(name) + ": is not a JSON object");
  }

 private:
  BaseFiles& files_;
  std::string prefix_;
};

absl::StatusOr<std::string> PadToken(const Folder& folder, const std::string& otherwise) {
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    if (!folder.Has(name)) continue;
    folder.Use(name);
    ASSIGN_OR_RETURN(const json object, folder.ReadObject(name));
    json pad = object.value("pad_token", json());
    if (pad.is_object()) pad = pad.value("content", json());
    if (pad.is_string()) return pad.get<std::string>();
  }
  return otherwise.empty() ? std::string(kEndToken) : otherwise;
}

/// Adds up the tokens that are not in the vocabulary.
class Additions {
 public:
  Additions(const std::string& vocabulary, int64_t rows)
      : vocabulary_(json::parse(vocabulary, nullptr, false)), rows_(rows) {}

  /// Whether the token is new. `source` is the file, for warnings.
  bool Add(const std::string& source, const std::string& token, const json& id) {
    const auto known = vocabulary_.find(token);
    if (known != vocabulary_.end() && *known == id) return false;
    const auto found = added_.find(token);
    if (found != added_.end() && id == found->second) return false;
    const auto warn = [&](std::string_view why) {
      warnings_.push_back(fmt::format("{}: the added token \"{}\" is left out: {}", source,
                                      token.substr(0, 80), why));
      return false;
    };
    if (token.empty() || !id.is_number_unsigned()) return warn("it has no id");
    const auto number = id.get<uint64_t>();
    if (known != vocabulary_.end() || found != added_.end() || number < vocabulary_.size() ||
        !taken_.insert(number).second) {
      return warn(fmt::format("its id {} is another token's", number));
    }
    if (number >= static_cast<uint64_t>(rows_)) {
      return warn(fmt::format("its id is {}, and the text encoder has {} rows", number, rows_));
    }
    added_.emplace(token, number);
    return true;
  }

  std::string Json() const { return added_.empty() ? "" : json(added_).dump(); }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  json vocabulary_;
  int64_t rows_;
  std::map<std::string, uint64_t> added_;
  std::set<uint64_t> taken_;
  std::vector<std::string> warnings_;
};

/// {token: id} of the tokens that a file adds, whichever of the three forms it has.
std::map<std::string, json> TokensOf(const json& file, const std::string& name) {
  std::map<std::string, json> tokens;
  if (name == "added_tokens.json") {
    for (const auto& [token, id] : file.items()) tokens.emplace(token, id);
    return tokens;
  }
  const auto add = [&](const json& token, json id) {
    const json content = token.is_object() ? token.value("content", json()) : token;
    if (content.is_string()) tokens.emplace(content.get<std::string>(), std::move(id));
  };
  if (name == "tokenizer.json") {
    for (const json& token : file.value("added_tokens", json::array())) {
      if (token.is_object()) add(token, token.value("id", json()));
    }
    return tokens;
  }
  const json decoder = file.value("added_tokens_decoder", json::object());
  for (const auto& [id, token] : decoder.items()) add(token, json::parse(id, nullptr, false));
  return tokens;
}

}  // namespace

bool HasTokenizer(const BaseFiles& files, const std::string& folder) {
  const std::string prefix = folder.empty() ? "" : folder + "/";
  return files.Has(prefix + "tokenizer.json") ||
         (files.Has(prefix + "vocab.json") && files.Has(prefix + "merges.txt"));
}

absl::Status ReadTokenizer(BaseFiles& files, const std::string& folder_name, BaseModel& model) {
  const Folder folder(files, folder_name);
  TokenizerFiles tokenizer;
  const bool both = folder.Has("vocab.json") && folder.Has("merges.txt");
  if (both || !folder.Has("tokenizer.json")) {
    ASSIGN_OR_RETURN(tokenizer.vocabulary, folder.Read("vocab.json"));
    ASSIGN_OR_RETURN(tokenizer.merges, folder.Read("merges.txt"));
  } else {
    ASSIGN_OR_RETURN(const std::string text, folder.Read("tokenizer.json"));
    auto read = ReadTokenizerJson(text);
    if (!read.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {}", folder.Path("tokenizer.json"), ToStd(read.status().message())));
    }
    tokenizer = *std::move(read);
  }
  ASSIGN_OR_RETURN(tokenizer.pad_token, PadToken(folder, tokenizer.pad_token));

  Additions additions(tokenizer.vocabulary, model.text.vocab_size);
  for (const std::string name : {"added_tokens.json", "tokenizer_config.json", "tokenizer.json"}) {
    if (!folder.Has(name)) continue;
    ASSIGN_OR_RETURN(const json file, folder.ReadObject(name));
    bool adds = false;
    for (const auto& [token, id] : TokensOf(file, name)) {
      adds = additions.Add(folder.Path(name), token, id) || adds;
    }
    if (adds) folder.Use(name);
  }
  model.vocabulary = std::move(tokenizer.vocabulary);
  model.merges = std::move(tokenizer.merges);
  model.pad_token = std::move(tokenizer.pad_token);
  model.added_tokens = additions.Json();
  model.warnings.insert(model.warnings.end(), additions.warnings().begin(),
                        additions.warnings().end());
  return absl::OkStatus();
}

}  // namespace vico::worker
