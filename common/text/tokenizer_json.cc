#include "common/text/tokenizer_json.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "common/text/tokenizer_text.h"

namespace vico {
namespace {

using nlohmann::json;

std::string Shown(const json& value) {
  return value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 80);
}

/// "tokenizer.json: key: what, found value".
absl::Status Refuse(std::string_view key, std::string_view what, const json& found) {
  return absl::InvalidArgumentError(fmt::format(
      "tokenizer.json: {}: {}, found {}; a base model of Stable Diffusion 1.x has CLIP's "
      "tokenizer",
      key, what, Shown(found)));
}

/// The member, null if there is none.
const json& Member(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

/// The steps of a normalizer or pre-tokenizer: itself, or those of a sequence.
std::vector<json> Steps(const json& step, const char* key) {
  if (Member(step, "type") != "Sequence") return {step};
  const json& steps = Member(step, key);
  return steps.is_array() ? steps.get<std::vector<json>>() : std::vector<json>{step};
}

absl::Status CheckModel(const json& model) {
  if (Member(model, "type") != "BPE" && !Member(model, "type").is_null()) {
    return Refuse("model.type", "must be BPE", Member(model, "type"));
  }
  if (Member(model, "end_of_word_suffix") != "</w>") {
    return Refuse("model.end_of_word_suffix", "must be \"</w>\"",
                  Member(model, "end_of_word_suffix"));
  }
  const json& prefix = Member(model, "continuing_subword_prefix");
  if (!prefix.is_null() && prefix != "") {
    return Refuse("model.continuing_subword_prefix", "must be empty", prefix);
  }
  const json& unknown = Member(model, "unk_token");
  if (!unknown.is_null() && unknown != kEndToken) {
    return Refuse("model.unk_token", fmt::format("must be {}", kEndToken), unknown);
  }
  if (const json& dropout = Member(model, "dropout"); !dropout.is_null() && dropout != 0) {
    return Refuse("model.dropout", "must be null", dropout);
  }
  for (const char* key : {"byte_fallback", "ignore_merges", "fuse_unk"}) {
    if (Member(model, key) == true) {
      return Refuse(fmt::format("model.{}", key), "must be false", true);
    }
  }
  return absl::OkStatus();
}

/// CLIP's: NFC, one space for white space, lower case. Older files have only some of them, and the
/// tokenizer here does all three.
absl::Status CheckNormalizer(const json& normalizer) {
  bool lowers = false;
  for (const json& step : Steps(normalizer, "normalizers")) {
    const json& type = Member(step, "type");
    lowers = lowers || type == "Lowercase" ||
             (type == "BertNormalizer" && Member(step, "lowercase") == true);
    if (type == "Replace" && Member(step, "content") != " ") {
      return Refuse("normalizer", "must replace white space by a space only", step);
    }
    if (type == "BertNormalizer" && Member(step, "strip_accents") == true) {
      return Refuse("normalizer.strip_accents", "must be false", true);
    }
    const bool known = type == "Lowercase" || type == "NFC" || type == "Replace" ||
                       type == "BertNormalizer" || type == "Strip";
    if (!known) return Refuse("normalizer", "must be made of NFC, Replace and Lowercase", step);
  }
  if (!lowers) return Refuse("normalizer", "must turn letters to lower case", normalizer);
  return absl::OkStatus();
}

/// CLIP's: a split at the regular expression of its pieces, then bytes as characters.
absl::Status CheckPreTokenizer(const json& pre_tokenizer) {
  bool splits = false, bytes = false;
  for (const json& step : Steps(pre_tokenizer, "pretokenizers")) {
    const json& type = Member(step, "type");
    if (type == "Split") {
      const json& pattern = Member(Member(step, "pattern"), "Regex");
      const std::string text = pattern.is_string() ? pattern.get<std::string>() : "";
      // "\p{N}" without "+": each digit is a piece.
      splits = text.find("'s|'t|'re|'ve|'m|'ll|'d") != std::string::npos &&
               text.find("\\p{N}]|") != std::string::npos &&
               text.find("[^\\s\\p{L}\\p{N}]+") != std::string::npos;
      if (!splits) return Refuse("pre_tokenizer", "must split as CLIP does", step);
    } else if (type == "ByteLevel") {
      bytes = true;
      if (Member(step, "add_prefix_space") == true) {
        return Refuse("pre_tokenizer.add_prefix_space", "must be false", true);
      }
    } else {
      return Refuse("pre_tokenizer", "must be made of Split and ByteLevel", step);
    }
  }
  if (!splits || !bytes) {
    return Refuse("pre_tokenizer", "must be made of Split and ByteLevel", pre_tokenizer);
  }
  return absl::OkStatus();
}

/// Null, or one that puts the start token before and the end token after the text.
absl::Status CheckPostProcessor(const json& post_processor) {
  if (post_processor.is_null()) return absl::OkStatus();
  const json& type = Member(post_processor, "type");
  const std::string text = post_processor.dump(-1, ' ', true, json::error_handler_t::replace);
  const bool known = type == "RobertaProcessing" || type == "TemplateProcessing" ||
                     type == "BertProcessing" || type == "Sequence" || type == "ByteLevel";
  const bool wraps =
      text.find(kStartToken) != std::string::npos && text.find(kEndToken) != std::string::npos;
  if (!known || (!wraps && type != "ByteLevel")) {
    return Refuse("post_processor", fmt::format("must add {} and {}", kStartToken, kEndToken),
                  post_processor);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> MergesText(const json& merges) {
  if (!merges.is_array()) return Refuse("model.merges", "must be a list", merges);
  std::string text = "#version: 0.2\n";
  for (size_t i = 0; i < merges.size(); ++i) {
    const json& merge = merges[i];
    std::string line;
    if (merge.is_string()) {
      line = merge.get<std::string>();
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      line = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
    if (std::count(line.begin(), line.end(), ' ') != 1 || line.find('\n') != std::string::npos) {
      return Refuse(fmt::format("model.merges[{}]", i), "must be two tokens", merge);
    }
    text += line + "\n";
  }
  return text;
}

/// The added tokens by id. Those of the vocabulary, with the same id, are left out.
absl::StatusOr<std::map<uint64_t, std::string>> AddedTokens(const json& list,
                                                            const json& vocabulary) {
  std::map<uint64_t, std::string> added;
  if (list.is_null()) return added;
  if (!list.is_array()) return Refuse("added_tokens", "must be a list", list);
  for (size_t i = 0; i < list.size(); ++i) {
    const json& id = Member(list[i], "id");
    const json& content = Member(list[i], "content");
    const std::string key = fmt::format("added_tokens[{}]", i);
    if (!content.is_string() || content.get_ref<const std::string&>().empty() ||
        !id.is_number_unsigned()) {
      return Refuse(key, "must have an id and a content", list[i]);
    }
    const auto known = vocabulary.find(content.get<std::string>());
    if (known != vocabulary.end()) {
      if (*known != id) return Refuse(key, fmt::format("must have the id {}", known->dump()), id);
      continue;
    }
    if (!added.emplace(id.get<uint64_t>(), content.get<std::string>()).second) {
      return Refuse(key, "must have an id of its own", id);
    }
  }
  return added;
}

}  // namespace

absl::StatusOr<TokenizerFiles> ReadTokenizerJson(std::string_view text) {
  const json file = json::parse(text.begin(), text.end(), nullptr, false);
  if (!file.is_object()) {
    return absl::InvalidArgumentError("tokenizer.json: is not a JSON object");
  }
  const json& model = Member(file, "model");
  RETURN_IF_ERROR(CheckModel(model));
  RETURN_IF_ERROR(CheckNormalizer(Member(file, "normalizer")));
  RETURN_IF_ERROR(CheckPreTokenizer(Member(file, "pre_tokenizer")));
  RETURN_IF_ERROR(CheckPostProcessor(Member(file, "post_processor")));
  json vocabulary = Member(model, "vocab");
  if (!vocabulary.is_object()) return Refuse("model.vocab", "must be an object", vocabulary);
  TokenizerFiles files;
  ASSIGN_OR_RETURN(files.merges, MergesText(Member(model, "merges")));
  ASSIGN_OR_RETURN(const auto added, AddedTokens(Member(file, "added_tokens"), vocabulary));
  json beyond = json::object();
  for (const auto& [id, token] : added) {
    // Some files have the start and end tokens only here. They belong to the vocabulary.
    const bool special = token == kStartToken || token == kEndToken;
    (special && id == vocabulary.size() ? vocabulary : beyond)[token] = id;
  }
  const auto dump = [](const json& object) {
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  files.vocabulary = dump(vocabulary);
  if (!beyond.empty()) files.added_tokens = dump(beyond);
  const json& pad = Member(Member(file, "padding"), "pad_token");
  if (pad.is_string()) files.pad_token = pad.get<std::string>();
  return files;
}

}  // namespace vico
