#include "server/checks/word_check.h"

#include <gmock/gmock.h>

#include "tests/server/base_model_fixture.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(WordCheckTest, TheTextsOfTokensGiveBackTheText) {
  const Tokenizer tokenizer = TestTokenizer();
  const std::vector<TokenText> texts = tokenizer.TokenTexts();
  ASSERT_THAT(texts, SizeIs(static_cast<size_t>(tokenizer.vocab_size())));
  std::string text;
  for (const int32_t id : tokenizer.Encode("a photo of a dogged dog")) {
    text += texts[static_cast<size_t>(id)].bytes;
    if (texts[static_cast<size_t>(id)].ends_word) text += ' ';
  }
  EXPECT_EQ(text, "a photo of a dogged dog ");
}

TEST(WordCheckTest, AWordOfOneTokenIsTaken) {
  const auto answer = CheckWord("dog", 5, TestTokenizer());
  EXPECT_TRUE(answer.one_token());
  EXPECT_THAT(answer.tokens(), testing::ElementsAre("dog"));
  EXPECT_THAT(answer.near_words(), IsEmpty());
  EXPECT_EQ(answer.problem(), "");
}

TEST(WordCheckTest, AnotherWordIsAnsweredWithWordsOfOneTokenThatAreSpeltAlike) {
  const Tokenizer tokenizer = TestTokenizer();
  const auto answer = CheckWord("dogg", 5, tokenizer);
  EXPECT_FALSE(answer.one_token());
  EXPECT_GT(answer.tokens_size(), 1);
  EXPECT_THAT(answer.near_words(), Contains("dog"));
  EXPECT_THAT(answer.problem(), HasSubstr("one token"));
  for (const std::string& word : answer.near_words())
    EXPECT_TRUE(tokenizer.KnowsWord(word)) << word;
}

TEST(WordCheckTest, AWordAtTheEndOfALongerOneIsNear) {
  EXPECT_THAT(NearWords("mydog", 20, TestTokenizer()), Contains("dog"));
}

TEST(WordCheckTest, AnyTextIsAnswered) {
  for (const std::string& text :
       {std::string(" "), std::string("\xff\xfe"), std::string(64, 'x'), std::string("a b c")}) {
    EXPECT_FALSE(CheckWord(text, 3, TestTokenizer()).one_token());
  }
}

}  // namespace
}  // namespace vico::server
