// Finds words that a training can begin with: those that are one token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/text/tokenizer.h"
#include "vico/v1/model.pb.h"

namespace vico::server {

/// At most `count` words of one token that are spelt like `word`, the nearest first: few letters
/// differ, or `word` ends or begins with them, as "teddybear" with "bear". Reads the whole
/// vocabulary.
std::vector<std::string> NearWords(std::string_view word, int count, const Tokenizer& tokenizer);

/// The answer of CheckWord. `near_words` is their largest number.
v1::CheckWordResponse CheckWord(std::string_view word, int near_words, const Tokenizer& tokenizer);

}  // namespace vico::server
