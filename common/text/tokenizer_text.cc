#include "common/text/tokenizer_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include <utf8proc.h>

namespace vico {
namespace {

using Codepoints = std::u32string;

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;

/// Invalid UTF-8 becomes U+FFFD.
Codepoints Decode(std::string_view text) {
  Codepoints result;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (size_t i = 0; i < text.size();) {
    utf8proc_int32_t c = 0;
    const auto used =
        utf8proc_iterate(bytes + i, static_cast<utf8proc_ssize_t>(text.size() - i), &c);
    result.push_back(used > 0 ? static_cast<char32_t>(c) : kReplacement);
    i += used > 0 ? static_cast<size_t>(used) : 1;
  }
  return result;
}

std::string Encode(std::u32string_view text) {
  std::string result;
  std::array<utf8proc_uint8_t, 4> buffer;
  for (const char32_t c : text) {
    const auto used = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), buffer.data());
    result.append(reinterpret_cast<const char*>(buffer.data()), static_cast<size_t>(used));
  }
  return result;
}

utf8proc_category_t Category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool IsLetter(char32_t c) {
  const auto category = Category(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsNumber(char32_t c) {
  const auto category = Category(c);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool IsSpace(char32_t c) {
  const auto category = Category(c);
  return c == '\t' || c == '\n' || c == '\r' || category == UTF8PROC_CATEGORY_ZS ||
         category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool IsDropped(char32_t c) {
  const auto category = Category(c);
  return c == kReplacement || category == UTF8PROC_CATEGORY_CN ||
         (category >= UTF8PROC_CATEGORY_CC && category <= UTF8PROC_CATEGORY_CO);
}

bool IsIdeograph(char32_t c) {
  static constexpr std::array<std::array<char32_t, 2>, 8> kRanges = {{{0x4E00, 0x9FFF},
                                                                      {0x3400, 0x4DBF},
                                                                      {0x20000, 0x2A6DF},
                                                                      {0x2A700, 0x2B73F},
                                                                      {0x2B740, 0x2B81F},
                                                                      {0x2B820, 0x2CEAF},
                                                                      {0xF900, 0xFAFF},
                                                                      {0x2F800, 0x2FA1F}}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](const auto& range) { return c >= range[0] && c <= range[1]; });
}

Codepoints Clean(const Codepoints& text) {
  Codepoints result;
  for (const char32_t c : text) {
    if (IsSpace(c)) {
      result.push_back(' ');
    } else if (IsIdeograph(c)) {
      result.append({' ', c, ' '});
    } else if (!IsDropped(c)) {
      result.push_back(c);
    }
  }
  return result;
}

Codepoints Compose(const Codepoints& text) {
  const auto bytes = Encode(text);
  utf8proc_uint8_t* composed = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                   static_cast<utf8proc_ssize_t>(bytes.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  if (length < 0) return text;  // out of memory, or text beyond 2 GiB
  return Decode({reinterpret_cast<const char*>(composed), static_cast<size_t>(length)});
}

bool IsCased(char32_t c) {
  const auto category = Category(c);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT;
}

bool IsCaseIgnorable(char32_t c) {
  static constexpr std::u32string_view kInsideWords =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  const auto category = Category(c);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
         category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_LM ||
         category == UTF8PROC_CATEGORY_SK || kInsideWords.find(c) != std::u32string_view::npos;
}

/// Unicode's Final_Sigma condition: the last cased letter of its word, and not the only one.
bool IsFinal(std::u32string_view word, size_t at) {
  size_t before = at;
  while (before > 0 && IsCaseIgnorable(word[before - 1])) --before;
  size_t after = at + 1;
  while (after < word.size() && IsCaseIgnorable(word[after])) ++after;
  return before > 0 && IsCased(word[before - 1]) && !(after < word.size() && IsCased(word[after]));
}

/// `word` contains no white space; the rule for sigma depends on this.
Codepoints Lower(std::u32string_view word) {
  Codepoints result;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] == 0x130) {  // capital I with dot above: the one letter that lower-cases to two
      result.append({U'i', 0x307});
    } else if (word[i] == kCapitalSigma && IsFinal(word, i)) {
      result.push_back(kFinalSigma);
    } else {
      const auto lower = utf8proc_tolower(static_cast<utf8proc_int32_t>(word[i]));
      result.push_back(static_cast<char32_t>(lower));
    }
  }
  return result;
}

/// The length of the special token or contraction at the start of `rest`, or 0.
size_t FixedPiece(std::u32string_view rest) {
  if (rest.size() >= 2 && rest[0] == '\'' && rest[1] == 0x17F)
    return 2;  // long s, which the regular expression matches as s
  for (const std::u32string_view tail :
       {U"<|startoftext|>", U"<|endoftext|>", U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"}) {
    if (rest.starts_with(tail)) return tail.size();
  }
  return 0;
}

/// The length of the piece at the start of `rest`, which is not empty and has no white space.
size_t PieceLength(std::u32string_view rest) {
  if (const size_t length = FixedPiece(rest)) return length;
  const auto run = [rest](auto&& belongs) {
    return static_cast<size_t>(std::find_if_not(rest.begin(), rest.end(), belongs) - rest.begin());
  };
  if (IsLetter(rest[0])) return run(IsLetter);
  if (IsNumber(rest[0])) return 1;
  return run([](char32_t c) { return !IsLetter(c) && !IsNumber(c); });
}

}  // namespace

std::vector<std::string> SplitPrompt(std::string_view text) {
  const Codepoints clean = Compose(Clean(Decode(text)));
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < clean.size();) {
    const size_t end = std::min(clean.find(U' ', begin), clean.size());
    const Codepoints word = Lower(std::u32string_view(clean).substr(begin, end - begin));
    for (std::u32string_view rest = word; !rest.empty();) {
      const size_t length = PieceLength(rest);
      pieces.push_back(Encode(rest.substr(0, length)));
      rest.remove_prefix(length);
    }
    begin = end + 1;
  }
  return pieces;
}

}  // namespace vico
