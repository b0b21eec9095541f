// The Unicode part of CLIP's tokenizer: cleans a prompt and splits it into pieces that byte-pair
// merges never cross. Source: transformers' CLIPTokenizer as it behaves
// without ftfy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vico {

/// CLIP's special tokens. A prompt may contain them as text.
inline constexpr std::string_view kStartToken = "<|startoftext|>";
inline constexpr std::string_view kEndToken = "<|endoftext|>";

/// Splits UTF-8 text into pieces, in order. It removes control, format and unassigned characters
/// and invalid UTF-8, normalises to NFC, separates at white space and around each CJK ideograph,
/// and lower-cases letters (accents stay). A piece is a run of letters, one number character, an
/// English contraction ('s, 't, 're, 've, 'm, 'll, 'd) or a run of anything else.
std::vector<std::string> SplitPrompt(std::string_view text);

}  // namespace vico
