// Reads CLIP's tokenizer from tokenizer.json, the only file that newer versions of transformers
// write. Source: Hugging Face's tokenizers 0.23, transformers 5.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico {

/// The texts that Tokenizer::Create() takes.
struct TokenizerFiles {
  std::string vocabulary;    ///< vocab.json
  std::string merges;        ///< merges.txt
  std::string added_tokens;  ///< added_tokens.json; empty: none
  std::string pad_token;     ///< empty: the file names none
};

/// Checks that the file describes CLIP's tokenizer: the model (BPE with "</w>"), the normalizer,
/// the pre-tokenizer and the post-processor. Merges may be strings or pairs. kInvalidArgument
/// naming the key, what is allowed and what was found.
///
/// The tokenizer made of these texts follows transformers' Python implementation, which Stable
/// Diffusion was trained with, and not the differences of the tokenizers library, for example at
/// Chinese characters.
absl::StatusOr<TokenizerFiles> ReadTokenizerJson(std::string_view json);

}  // namespace vico
