// The tokenizer files of the tiny base model, read by the tokenizer of the service.
#include "toyworld/world/tokenizer_files.h"

#include <gmock/gmock.h>

#include "common/text/tokenizer.h"
#include "tests/support/status_matchers.h"
#include "toyworld/world/captions.h"

namespace vico::toyworld {
namespace {

Tokenizer WorldTokenizer() {
  const auto files = MakeTokenizerFiles(KnownWords());
  EXPECT_THAT(files, IsOk());
  auto tokenizer = Tokenizer::Create(files->vocab_json, files->merges_txt);
  EXPECT_THAT(tokenizer, IsOk());
  return *std::move(tokenizer);
}

TEST(TokenizerFilesTest, EveryKnownWordIsOneToken) {
  const Tokenizer tokenizer = WorldTokenizer();
  for (const std::string& word : KnownWords()) {
    EXPECT_EQ(tokenizer.Encode(word).size(), 1u) << word;
  }
}

TEST(TokenizerFilesTest, CaptionHasOneTokenForEachWord) {
  const Tokenizer tokenizer = WorldTokenizer();
  EXPECT_EQ(tokenizer.Encode("a close-up photo of the red robot with two antennas").size(), 12u);
}

TEST(TokenizerFilesTest, UnknownWordIsSplitIntoSeveralTokens) {
  const Tokenizer tokenizer = WorldTokenizer();
  EXPECT_GT(tokenizer.Encode("dog").size(), 1u);
  EXPECT_EQ(tokenizer.SingleToken("dog"), std::nullopt);
  EXPECT_TRUE(tokenizer.SingleToken("toy").has_value());
}

TEST(TokenizerFilesTest, FilesHaveTheLayoutOfClip) {
  const auto files = MakeTokenizerFiles({"ab", "abc"});
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->merges_txt, "#version: 0.2\na b</w>\na b\nab c</w>\n");
  EXPECT_EQ(files->size, 2 * 256 + 3 + 2);
  EXPECT_EQ(files->vocab_json.rfind("{\"!\":0,\"\\\"\":1,", 0), 0u);
  EXPECT_THAT(files->vocab_json, testing::HasSubstr("\"<|endoftext|>\":516}"));
}

TEST(TokenizerFilesTest, ErrorNamesAWordThatCannotBeOneToken) {
  EXPECT_THAT(MakeTokenizerFiles({"tete", "x"}), IsOk());  // "te</w>" differs from "te"
  const auto files = MakeTokenizerFiles({"tetex"});
  EXPECT_THAT(files, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(files, HasMessage(testing::HasSubstr("tetex")));
}

}  // namespace
}  // namespace vico::toyworld
