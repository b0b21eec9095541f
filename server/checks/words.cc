#include "server/checks/words.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/formats/adapter_layout.h"
#include "common/plain_text.h"
#include "common/status.h"
#include "server/checks/request.h"
#include "server/checks/word_check.h"

namespace vico::server {
namespace {

constexpr size_t kMaxWord = 32;  // characters
constexpr int kSuggestedWords = 3;

absl::Status NotPlain(std::string_view field, std::string_view text, LineEnds line_ends) {
  const std::string bad = FindNotPlain(text, line_ends);
  if (bad.empty()) return absl::OkStatus();
  return FieldError(field,
                    fmt::format("must not hold control or bidirectional characters, got {}", bad));
}

}  // namespace

absl::Status WrongCharacters(std::string_view field, std::string_view text, size_t min, size_t max,
                             std::string_view set) {
  const size_t count = CountCharacters(text);
  const std::string got =
      count < min || count > max ? fmt::format("{}", count) : fmt::format("\"{}\"", text);
  return FieldError(field,
                    fmt::format("must be {}..{} characters of {}, got {}", min, max, set, got));
}

absl::Status CheckName(std::string_view field, std::string_view name, size_t max_characters) {
  if (const size_t count = CountCharacters(name); count > max_characters) {
    return FieldError(
        field, fmt::format("must have at most {} characters, got {}", max_characters, count));
  }
  return NotPlain(field, name, LineEnds::kRefused);
}

absl::Status CheckPlaceholder(std::string_view field, std::string_view placeholder) {
  if (IsPlaceholder(placeholder)) return absl::OkStatus();
  return WrongCharacters(field, placeholder, 1, 32, "[A-Za-z0-9_*<>-]");
}

std::string WhyNotPlaceholder(std::string_view placeholder, const Tokenizer& tokenizer) {
  if (!tokenizer.KnowsWord(placeholder)) return "";
  constexpr std::array<std::string_view, 4> kSuggestions{"S*", "V*", "<new-thing>", "xx-thing-xx"};
  const auto free = std::find_if(kSuggestions.begin(), kSuggestions.end(),
                                 [&](auto word) { return !tokenizer.KnowsWord(word); });
  return fmt::format(
      "\"{}\" is a word of the base model's vocabulary already, and every prompt with that word "
      "would show the thing{}",
      placeholder,
      free == kSuggestions.end() ? std::string() : fmt::format("; use \"{}\", for example", *free));
}

absl::Status CheckPrompt(std::string_view field, std::string_view prompt, bool required) {
  const auto max_bytes = static_cast<size_t>(kPromptBytes.max);
  if (prompt.size() > max_bytes || (required && prompt.empty())) {
    return FieldError(field, fmt::format("must have {}..{} bytes, got {}", required ? 1 : 0,
                                         max_bytes, prompt.size()));
  }
  if (required && IsBlank(prompt)) return FieldError(field, "must not be blank");
  return NotPlain(field, prompt, LineEnds::kAllowed);
}

absl::Status CheckInitWord(std::string_view word, const Tokenizer& tokenizer,
                           std::string_view field) {
  if (IsBlank(word)) return FieldError(field, "must be a word for the kind of thing");
  RETURN_IF_ERROR(CheckName(field, word, kMaxWord));
  if (tokenizer.SingleToken(word)) return absl::OkStatus();
  const std::vector<std::string> near = NearWords(word, kSuggestedWords, tokenizer);
  return FieldError(
      field,
      fmt::format("must be one token of the base model's vocabulary; \"{}\" is {}{}", word,
                  tokenizer.Encode(word).size(),
                  near.empty() ? "" : fmt::format(". Near words: {}", fmt::join(near, ", "))));
}

}  // namespace vico::server
