#include "common/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/text/tokenizer_text.h"

namespace vico {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Ids = std::vector<int32_t>;

constexpr char kVocabulary[] =
    R"({"a": 0, "b": 1, "a</w>": 2, "b</w>": 3, "ab": 4, "ab</w>": 5, "*</w>": 6, "aa": 7,)"
    R"("<|startoftext|>": 8, "<|endoftext|>": 9, "!</w>": 10})";
constexpr char kMerges[] = "#version: 0.2\na b</w>\na b\na a\n";

Tokenizer Small(std::string_view pad = "<|endoftext|>") {
  return Tokenizer::Create(kVocabulary, kMerges, pad).value();
}

TEST(Tokenizer, MergesByRankAndFromLeftToRight) {
  EXPECT_EQ(Small().Encode("AB abab aaab"), (Ids{5, 4, 5, 7, 5}));
}

TEST(Tokenizer, BytesOutsideTheVocabularyAreTheEndToken) {
  EXPECT_EQ(Small().Encode("z"), (Ids{9}));
}

TEST(Tokenizer, AnyBytesAreAccepted) {
  EXPECT_EQ(Small().Encode("\xff"
                           "a\xc0\xaf\xed\xa0\x80 b\xe2\x82"),
            (Ids{2, 3}));
  EXPECT_THAT(Small().Encode(std::string("\0\x01\xf5\x80", 4)), IsEmpty());
}

TEST(Tokenizer, APromptIsStartContentEndPadding) {
  const auto prompt = Small("!</w>").EncodePrompt("a b", "S*", 6);
  EXPECT_EQ(prompt.ids, (Ids{8, 2, 3, 9, 10, 10}));
  EXPECT_EQ(prompt.end_index, 3);
  EXPECT_EQ(prompt.placeholder_index, -1);
  EXPECT_EQ(prompt.placeholders, 0);
  EXPECT_FALSE(prompt.truncated);
}

TEST(Tokenizer, ThePlaceholderIsFoundAsAWordCaseSensitively) {
  const auto tokenizer = Small();
  const auto prompt = tokenizer.EncodePrompt("a S*,S* s* aS*", "S*", 13);
  EXPECT_EQ(tokenizer.placeholder_id(), 11);
  EXPECT_EQ(prompt.placeholder_index, 2);
  EXPECT_EQ(prompt.placeholders, 2);
  // "," and "s" are unknown.
  EXPECT_EQ(prompt.ids, (Ids{8, 2, 11, 9, 11, 9, 6, 0, 9, 6, 9, 9, 9}));
}

TEST(Tokenizer, AWordIsNotReplacedInsideAnother) {
  const auto tokenizer = Small();
  for (const char* text : {"aab", "ab1", "AB", "bab"}) {
    EXPECT_EQ(tokenizer.EncodePrompt(text, "ab", 8).placeholders, 0) << text;
  }
  for (const char* text : {"ab", "\"ab\"", "a ab's", "(ab)", "ab-ab"}) {
    EXPECT_GT(tokenizer.EncodePrompt(text, "ab", 8).placeholders, 0) << text;
  }
}

TEST(Tokenizer, AddedTokensAreFoundBeforeMerges) {
  const auto tokenizer = Tokenizer::Create(kVocabulary, kMerges, "<pad>",
                                           R"({"<cat>": 11, "<cat>s": 12, "<pad>": 20, "a": 0})")
                             .value();
  EXPECT_EQ(tokenizer.vocab_size(), 21);
  EXPECT_EQ(tokenizer.Encode("ab<cat>ab <cat>s <CAT"), (Ids{5, 11, 5, 12, 9, 9, 0, 9}));
  EXPECT_EQ(tokenizer.SingleToken("<cat>"), 11);
  EXPECT_TRUE(tokenizer.KnowsWord("AB"));
  EXPECT_FALSE(tokenizer.KnowsWord("S*"));
  EXPECT_EQ(tokenizer.EncodePrompt("a S*", "S*", 5).ids, (Ids{8, 2, 21, 9, 20}));
}

TEST(Tokenizer, AddedTokensThatDoNotFitTheVocabularyAreNamed) {
  for (const char* added :
       {R"({"<cat>": 3})", R"({"a": 11})", R"({"<a>": 11, "<b>": 11})", R"({"<cat>": -1})",
        R"({"<cat>": "11"})", R"({"": 11})", "[]", "{", R"({"<cat>": 99999999})"}) {
    const auto made = Tokenizer::Create(kVocabulary, kMerges, kEndToken, added);
    ASSERT_FALSE(made.ok()) << added;
    EXPECT_THAT(std::string(made.status().message()), HasSubstr("added_tokens.json")) << added;
  }
}

TEST(Tokenizer, LongPromptsAreCutBeforeTheEndToken) {
  const auto prompt = Small().EncodePrompt("a a a a S*", "S*", 5);
  EXPECT_EQ(prompt.ids, (Ids{8, 2, 2, 2, 9}));
  EXPECT_TRUE(prompt.truncated);
  EXPECT_EQ(prompt.placeholder_index, -1);
  EXPECT_EQ(prompt.end_index, 4);
}

TEST(Tokenizer, APlaceholderInTheLastPositionIsKept) {
  const auto prompt = Small().EncodePrompt("a a S*", "S*", 5);
  EXPECT_EQ(prompt.placeholder_index, 3);
  EXPECT_FALSE(prompt.truncated);
}

TEST(Tokenizer, SingleTokenAcceptsWordsOfOneToken) {
  EXPECT_EQ(Small().SingleToken("ab"), 5);
  EXPECT_EQ(Small().SingleToken("aab"), std::nullopt);
  EXPECT_EQ(Small().SingleToken(""), std::nullopt);
  EXPECT_EQ(Small().SingleToken("z"), std::nullopt);
}

TEST(SplitPrompt, ContractionsNumbersAndSigns) {
  EXPECT_THAT(SplitPrompt("It's  42nd--ΑΣ犬x"),
              ElementsAre("it", "'s", "4", "2", "nd", "--", "ας", "犬", "x"));
}

TEST(Tokenizer, ErrorsNameTheFile) {
  const auto refused = [](std::string_view vocabulary, std::string_view merges) {
    const auto made = Tokenizer::Create(vocabulary, merges);
    return made.ok() ? "accepted" : std::string(made.status().message());
  };
  EXPECT_THAT(refused("[]", kMerges), HasSubstr("vocab.json"));
  EXPECT_THAT(refused("{", kMerges), HasSubstr("vocab.json"));
  EXPECT_THAT(refused(R"({"a": 1, "b": 2})", kMerges), HasSubstr("ids must be 0..1"));
  EXPECT_THAT(refused(R"({"a": 0, "b": 0})", kMerges), HasSubstr("ids must be 0..1"));
  EXPECT_THAT(refused(R"({"a": 0})", kMerges), HasSubstr("must hold <|startoftext|>"));
  EXPECT_THAT(refused(kVocabulary, "#version\nb b\n"), HasSubstr("merges.txt: line 2"));
  EXPECT_THAT(refused(kVocabulary, "#version\na b\nab\n"), HasSubstr("merges.txt: line 3"));
}

}  // namespace
}  // namespace vico
