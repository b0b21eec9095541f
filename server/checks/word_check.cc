#include "server/checks/word_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/plain_text.h"
#include "common/status.h"
#include "server/checks/words.h"

namespace vico::server {
namespace {

constexpr size_t kLongestWord = 64;  // bytes that are compared

std::string LowerCase(std::string_view word) {
  std::string lower(word.substr(0, kLongestWord));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsPlainWord(const TokenText& token) {
  return token.ends_word && token.bytes.size() >= 2 && token.bytes.size() <= kLongestWord &&
         std::all_of(token.bytes.begin(), token.bytes.end(),
                     [](char c) { return c >= 'a' && c <= 'z'; });
}

/// The number of letters to insert, delete, replace or swap with their neighbour (optimal string
/// alignment); `limit` + 1 if there are more than `limit`.
int EditDistance(std::string_view a, std::string_view b, int limit) {
  using Row = std::array<int, kLongestWord + 1>;
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > static_cast<size_t>(limit)) {
    return limit + 1;
  }
  Row before_last{};
  Row last{};
  Row row{};
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last = last;
    last = row;
    row[0] = static_cast<int>(i);
    int least = row[0];
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
  }
  return row[b.size()];
}

/// How far `other` is from `word`, in quarters of a letter; none if it is too far. A word at the
/// end of a longer one is mostly its kind ("teddybear"), so it comes before two wrong letters.
std::optional<int> Distance(std::string_view word, std::string_view other) {
  constexpr int kAtEnd = 6;
  constexpr int kAtBeginning = 7;
  const int limit = word.size() <= 4 ? 1 : 2;
  if (const int letters = EditDistance(word, other, limit); letters <= limit) return 4 * letters;
  if (other.size() >= 3 && word.ends_with(other)) return kAtEnd;
  if (other.size() >= 4 && word.starts_with(other)) return kAtBeginning;
  return std::nullopt;
}

}  // namespace

std::vector<std::string> NearWords(std::string_view word, int count, const Tokenizer& tokenizer) {
  struct Candidate {
    int distance = 0;
    size_t length = 0;
    std::string word;
  };
  const std::string lower = LowerCase(word);
  std::vector<Candidate> candidates;
  for (TokenText& token : tokenizer.TokenTexts()) {
    if (!IsPlainWord(token) || token.bytes == lower) continue;
    if (const auto distance = Distance(lower, token.bytes)) {
      candidates.push_back({*distance, token.bytes.size(), std::move(token.bytes)});
    }
  }
  // The order of the vocabulary, which is that of frequency, decides between equals.
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return std::pair(a.distance, b.length) < std::pair(b.distance, a.length);
  });
  std::vector<std::string> words;
  for (Candidate& candidate : candidates) {
    if (words.size() >= static_cast<size_t>(count)) break;
    // Some tokens are parts of merges only: their spelling gives others.
    if (tokenizer.KnowsWord(candidate.word)) words.push_back(std::move(candidate.word));
  }
  return words;
}

v1::CheckWordResponse CheckWord(std::string_view word, int near_words, const Tokenizer& tokenizer) {
  v1::CheckWordResponse response;
  const std::vector<TokenText> texts = tokenizer.TokenTexts();
  for (const int32_t id : tokenizer.Encode(word)) {
    response.add_tokens(PlainText(texts[static_cast<size_t>(id)].bytes, kLongestWord));
  }
  const absl::Status status = CheckInitWord(word, tokenizer, "word");
  response.set_one_token(status.ok());
  if (status.ok()) return response;
  response.set_problem(std::string(ToStd(status.message())));
  for (std::string& near : NearWords(word, near_words, tokenizer)) {
    response.add_near_words(std::move(near));
  }
  return response;
}

}  // namespace vico::server
