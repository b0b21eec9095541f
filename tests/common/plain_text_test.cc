#include "common/plain_text.h"

#include <string>

#include <gmock/gmock.h>

namespace vico {
namespace {

constexpr size_t kRoomy = 1000;
const std::string kReplacement = "\xEF\xBF\xBD";

TEST(PlainTextTest, PlainTextStaysAsItIs) {
  for (const std::string text : {"", "a photo of S*", "caf\u00e9", "\u6a21\u578b", "\U0001F436",
                                 "\u05d0\u05d1", "back\\slash \\n"}) {
    EXPECT_EQ(PlainText(text, kRoomy), text);
    EXPECT_EQ(FindNotPlain(text), "") << text;
  }
}

struct Case {
  std::string text, shown, found;
};

TEST(PlainTextTest, WhatIsNotPlainIsEscapedAndNamed) {
  for (const Case& c :
       {Case{"a\nb", "a\\nb", "U+000A"}, Case{"a\r\tb", "a\\r\\tb", "U+000D"},
        Case{"\x1b[31m", "\\u{1b}[31m", "U+001B"}, Case{std::string(1, '\0'), "\\u{0}", "U+0000"},
        Case{"\x7f", "\\u{7f}", "U+007F"}, Case{"\u0085", "\\u{85}", "U+0085"},
        Case{"\u009b31m", "\\u{9b}31m", "U+009B"}, Case{"\u2028", "\\u{2028}", "U+2028"},
        Case{"\u202egnp.exe", "\\u{202e}gnp.exe", "U+202E"},
        Case{"\u2066x\u2069", "\\u{2066}x\\u{2069}", "U+2066"},
        Case{"\u200f", "\\u{200f}", "U+200F"}, Case{"\u061c", "\\u{61c}", "U+061C"},
        Case{"caf\xe9.png", "caf" + kReplacement + ".png", "a byte that is no UTF-8"},
        Case{"\xc3", kReplacement, "a byte that is no UTF-8"},
        Case{"\xed\xa0\x80", kReplacement + kReplacement + kReplacement,
             "a byte that is no UTF-8"}}) {
    const std::string shown = PlainText(c.text, kRoomy);
    EXPECT_EQ(shown, c.shown);
    EXPECT_EQ(FindNotPlain(c.text), c.found) << c.shown;
    EXPECT_EQ(PlainText(shown, kRoomy), shown) << "what is plain stays as it is";
  }
}

TEST(PlainTextTest, LineEndsMayBeAllowed) {
  EXPECT_EQ(FindNotPlain("a\r\n\tb", LineEnds::kAllowed), "");
  EXPECT_EQ(FindNotPlain("a\nb\x1b", LineEnds::kAllowed), "U+001B");
  EXPECT_EQ(FindNotPlain("a\n\u2028", LineEnds::kAllowed), "U+2028");
}

TEST(PlainTextTest, LongTextEndsAfterAWholeCharacterOrEscape) {
  EXPECT_EQ(PlainText("aa\u00e9", 3), "aa");
  EXPECT_EQ(PlainText("aa\u00e9", 4), "aa\u00e9");
  EXPECT_EQ(PlainText("a\U0001F436b", 4), "a");
  EXPECT_EQ(PlainText("a\x1b", 6), "a");
  for (size_t limit = 0; limit < 40; ++limit) {
    const std::string cut = PlainText("\u6a21\xff\u202e\U0001F436\n\u00e9 and more", limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_EQ(FindNotPlain(cut), "") << limit;
  }
}

TEST(PlainTextTest, NamesLoseWhatIsNotPlain) {
  EXPECT_EQ(PlainName("caf\xe9.png", 255), "caf_.png");
  EXPECT_EQ(PlainName("a\nb\u202e.png", 255), "a_b_.png");
  EXPECT_EQ(PlainName("\u6a21\u578b.png", 2), "\u6a21\u578b");
  EXPECT_EQ(PlainName(std::string(300, 'x'), 255), std::string(255, 'x'));
}

TEST(PlainTextTest, CharactersAreCounted) {
  EXPECT_EQ(CountCharacters(""), 0u);
  EXPECT_EQ(CountCharacters("\u00f1"), 1u);
  EXPECT_EQ(CountCharacters("\u6a21\u578b!"), 3u);
  EXPECT_EQ(CountCharacters("\xff\xfe"), 2u);
}

TEST(PlainTextTest, BlankTextShowsNothing) {
  for (const std::string blank : {"", "   ", "\t\r\n", "\u00a0", "\u3000 \u2003", "\u200b\ufeff"}) {
    EXPECT_TRUE(IsBlank(blank)) << PlainText(blank, kRoomy);
  }
  for (const std::string text : {"a", "  . ", "\u6a21", "\xff"}) EXPECT_FALSE(IsBlank(text));
}

}  // namespace
}  // namespace vico
