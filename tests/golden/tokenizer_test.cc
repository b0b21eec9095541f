// Compares the tokenizer with transformers' CLIPTokenizer; recorded by record_tokenizer.py.
#include "common/text/tokenizer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/text/tokenizer_json.h"
#include "common/text/tokenizer_text.h"
#include "tests/golden/files.h"
#include "tests/support/tokenizer_json.h"

namespace vico {
namespace {

using golden::ReadFile;

Tokenizer Recorded() {
  return Tokenizer::Create(ReadFile("tokenizer/vocab.json"), ReadFile("tokenizer/merges.txt"))
      .value();
}

TEST(TokenizerGolden, ContentIdsEqualTransformers) {
  const auto tokenizer = Recorded();
  const auto expected = nlohmann::json::parse(ReadFile("tokenizer/expected.json"));
  ASSERT_GT(expected["content"].size(), 300u);
  for (const auto& item : expected["content"]) {
    EXPECT_EQ(tokenizer.Encode(item["text"].get<std::string>()),
              item["ids"].get<std::vector<int32_t>>())
        << item["text"];
  }
}

TEST(TokenizerGolden, PaddedPromptsEqualTransformers) {
  const auto tokenizer = Recorded();
  const auto expected = nlohmann::json::parse(ReadFile("tokenizer/expected.json"));
  for (const auto& item : expected["padded_to_24"]) {
    EXPECT_EQ(tokenizer.EncodePrompt(item["text"].get<std::string>(), "", 24).ids,
              item["ids"].get<std::vector<int32_t>>())
        << item["text"];
  }
}

// The file that transformers 5 writes, and the same with merges as strings, as versions before 4.45
// wrote them.
TEST(TokenizerGolden, TokenizerJsonGivesTheSameIds) {
  const auto expected = nlohmann::json::parse(ReadFile("tokenizer/expected.json"));
  const std::string newer = ReadFile("tokenizer_json/plain/tokenizer.json");
  const std::string older = TokenizerJson(ReadFile("tokenizer/vocab.json"),
                                          ReadFile("tokenizer/merges.txt"), MergeForm::kStrings)
                                .dump();
  for (const std::string& text : {newer, older}) {
    const auto files = ReadTokenizerJson(text);
    ASSERT_TRUE(files.ok()) << files.status();
    const auto tokenizer = Tokenizer::Create(files->vocabulary, files->merges).value();
    for (const auto& item : expected["content"]) {
      EXPECT_EQ(tokenizer.Encode(item["text"].get<std::string>()),
                item["ids"].get<std::vector<int32_t>>())
          << item["text"];
    }
  }
}

TEST(TokenizerGolden, AddedTokensEqualTransformers) {
  const auto files = ReadTokenizerJson(ReadFile("tokenizer_json/added/tokenizer.json"));
  ASSERT_TRUE(files.ok()) << files.status();
  const auto tokenizer =
      Tokenizer::Create(files->vocabulary, files->merges, kEndToken, files->added_tokens).value();
  const auto expected = nlohmann::json::parse(ReadFile("tokenizer_json/expected_added.json"));
  ASSERT_GT(expected.size(), 10u);
  for (const auto& item : expected) {
    EXPECT_EQ(tokenizer.Encode(item["text"].get<std::string>()),
              item["ids"].get<std::vector<int32_t>>())
        << item["text"];
  }
}

// Ids computed from the published merges; skipped without the vocabulary of Stable Diffusion 1.x.
TEST(TokenizerGolden, KnownIdsOfThePublishedVocabulary) {
  const char* folder = std::getenv("VICO_CLIP_TOKENIZER");
  if (folder == nullptr) GTEST_SKIP() << "VICO_CLIP_TOKENIZER names no tokenizer folder";
  const auto read = [folder](const std::string& name) {
    std::ifstream file(std::string(folder) + "/" + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto tokenizer = Tokenizer::Create(read("vocab.json"), read("merges.txt")).value();
  const auto ids = [&](const char* text) { return tokenizer.Encode(text); };
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(ids("a photo of * on the beach"), (Ids{320, 1125, 539, 265, 525, 518, 2117}));
  EXPECT_EQ(ids("a close-up photo of the *"), (Ids{320, 2660, 268, 705, 1125, 539, 518, 265}));
  EXPECT_EQ(ids("A Photo of a DOG 123"), (Ids{320, 1125, 539, 320, 1929, 272, 273, 274}));
  EXPECT_EQ(ids("a photo of a dog's toy"), (Ids{320, 1125, 539, 320, 1929, 568, 5988}));
  EXPECT_EQ(ids("teddybear"), (Ids{25758, 4298}));
  EXPECT_EQ(ids("s*"), (Ids{338, 265}));
  EXPECT_EQ(tokenizer.SingleToken("sunglasses"), 12906);
  EXPECT_EQ(tokenizer.placeholder_id(), 49408);
  const auto prompt = tokenizer.EncodePrompt("a photo of S* on the beach", "S*", 77);
  EXPECT_EQ(prompt.placeholder_index, 4);
  EXPECT_EQ(prompt.end_index, 8);
}

}  // namespace
}  // namespace vico
