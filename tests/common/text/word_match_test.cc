#include "common/text/word_match.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vico {
namespace {

bool HasWord(std::string_view text, std::string_view word) {
  return FindWord(text, word) != std::string_view::npos;
}

TEST(WordMatch, AWordStandsAloneNextToAnythingThatIsNoPartOfAWord) {
  for (const std::string text :
       {"sks",    "a sks b",   "sks, and", "(sks)",       "\"sks\"",  "'sks'",    "“sks”",
        "«sks»",  "sks's",     "sks’s",    "the sks.",    "sks-like", "anti-sks", "sks/dog",
        "x=sks;", "#sks",      "@sks",     "sks\n",       "\tsks",    "…sks…",    "—sks—",
        "🐶sks🐱",  "❤️sks", "sks!?",    "\xffsks\xff", "$sks%"}) {
    EXPECT_TRUE(HasWord(text, "sks")) << text;
  }
}

TEST(WordMatch, AWordInsideAnotherIsNotFound) {
  for (const std::string text :
       {"masks",      "sksy",        "asks",        "sks1",       "1sks", "desks and tusks",
        "ésks",       "sksé",        "маsks",       "sksж",       "ßsks", "sksσ",
        "e\u0301sks", "sks\u0301",   "sks\u0323x",  "٣sks",       "sks²", "Ⅷsks",
        "한sks",      "ma\u00adsks", "ma\u200dsks", "sks\u2060y", "Sks",  "SKS"}) {
    EXPECT_FALSE(HasWord(text, "sks")) << text;
  }
}

TEST(WordMatch, WordsOfScriptsWithoutSpacesMayTouchIt) {
  for (const std::string text : {"一张sks的照片", "これはsksです", "カタカナsks", "รูปsksสวย",
                                 "豈sks", "𠀀sks", "a\u200bsks\u200bb"}) {
    EXPECT_TRUE(HasWord(text, "sks")) << text;
  }
}

TEST(WordMatch, KoreanParticlesMayFollowIt) {
  for (const std::string text : {"sks의 사진", "해변의 sks를", "sks는", "sks와 sks"}) {
    EXPECT_TRUE(HasWord(text, "sks")) << text;
  }
}

TEST(WordMatch, TheDefaultWordIsFoundAtPunctuationAndQuotes) {
  for (const std::string text : {"S*", "S*'s", "\"S*\"", "S*,", "S*.", "(S*)", "S*-shaped", "S**",
                                 "a S*!", "*S*", "'S*'", "S* ", "S*：", "「S*」"}) {
    EXPECT_TRUE(HasWord(text, "S*")) << text;
  }
  for (const std::string text : {"aS*", "S*a", "1S*", "S*1", "éS*", "S*é", "s*", "S *", "US*"}) {
    EXPECT_FALSE(HasWord(text, "S*")) << text;
  }
}

TEST(WordMatch, EachOccurrenceIsFoundInTurn) {
  const std::string text = "sks masks sks,sks";
  std::vector<size_t> found;
  for (size_t at = FindWord(text, "sks"); at != std::string::npos;
       at = FindWord(text, "sks", at + 3)) {
    found.push_back(at);
  }
  EXPECT_EQ(found, (std::vector<size_t>{0, 10, 14}));
  EXPECT_EQ(FindWord("masks sks", "sks"), 6u);
  EXPECT_EQ(FindWord("sks", "sks", 3), std::string::npos);
  EXPECT_FALSE(HasWord("sks", ""));
  EXPECT_FALSE(HasWord("", "sks"));
}

}  // namespace
}  // namespace vico
