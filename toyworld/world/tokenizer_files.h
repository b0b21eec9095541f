// The tiny base's tokenizer in CLIP's layout: 256 byte symbols, their "</w>" forms, one token per
// merge, start and end token. Each known word is one token; other text is split into smaller
// pieces.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace vico::toyworld {

struct TokenizerFiles {
  std::string vocab_json;
  std::string merges_txt;
  int size = 0;  ///< tokens; the last two are <|startoftext|> and <|endoftext|>
};

/// Merges build each word from left to right, so words share the tokens of common prefixes. Words
/// are lower-case ASCII. kInvalidArgument names a word that no order of merges can build beside the
/// others.
absl::StatusOr<TokenizerFiles> MakeTokenizerFiles(const std::vector<std::string>& words);

}  // namespace vico::toyworld
