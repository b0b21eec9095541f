// Checks the texts of requests: names, words and prompts. Texts are plain: common/plain_text.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "common/text/tokenizer.h"

namespace vico::server {

/// A word or name for people: plain text of at most `max_characters`.
absl::Status CheckName(std::string_view field, std::string_view name, size_t max_characters);

/// The error for text that is not `min`..`max` characters of `set`.
absl::Status WrongCharacters(std::string_view field, std::string_view text, size_t min, size_t max,
                             std::string_view set);

/// [A-Za-z0-9_*<>-]{1,32}.
absl::Status CheckPlaceholder(std::string_view field, std::string_view placeholder);

/// Why a placeholder should not be a word of the base model's vocabulary, with a suggestion; empty
/// if it is not.
std::string WhyNotPlaceholder(std::string_view placeholder, const Tokenizer& tokenizer);

/// 1..1024 bytes and not blank if `required`; line ends and tabs are allowed.
absl::Status CheckPrompt(std::string_view field, std::string_view prompt, bool required);

/// The class of the thing: one token. A placeholder is none, so the two differ.
absl::Status CheckInitWord(std::string_view word, const Tokenizer& tokenizer,
                           std::string_view field = "train.init_word");

}  // namespace vico::server
