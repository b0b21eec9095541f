// The part of CLIP's tokenizer that knows Unicode: cleaning a prompt and splitting it into the
// pieces that byte-pair merges never cross. Source: transformers' CLIPTokenizer as it behaves
// without ftfy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vico {

/// CLIP's special tokens; a prompt that spells them gets them.
inline constexpr std::string_view kStartToken = "<|startoftext|>";
inline constexpr std::string_view kEndToken = "<|endoftext|>";

/// UTF-8 text -> pieces, in order. Control, format and unassigned characters and bytes that are not
/// UTF-8 vanish; the rest is NFC-normalised, CJK ideographs stand alone, white space separates,
/// letters are lower-cased (accents stay). A piece is a run of letters, one number character, an
/// English contraction ('s, 't, 're, 've, 'm, 'll, 'd) or a run of anything else.
std::vector<std::string> SplitPrompt(std::string_view text);

}  // namespace vico
