// The tiny base's tokenizer in CLIP's layout: 256 byte symbols, their "</w>" forms, one token per
// merge, start and end token. Each known word is one token; every other text falls back to smaller
// pieces.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::toyworld {

struct TokenizerFiles {
  std::string vocab_json;
  std::string merges_txt;
  int size = 0;  ///< tokens; the last two are <|startoftext|> and <|endoftext|>
};

/// Each word is built left to right, so words share the tokens of shared beginnings.
/// kInvalidArgument names a word that no order of merges could build next to the others. Words are
/// lower-case ASCII.
absl::StatusOr<TokenizerFiles> MakeTokenizerFiles(const std::vector<std::string>& words);

/// Writes vocab.json and merges.txt into an existing folder. kUnavailable if that fails.
absl::Status WriteTokenizerFiles(const TokenizerFiles& files, const std::string& folder);

}  // namespace vico::toyworld
