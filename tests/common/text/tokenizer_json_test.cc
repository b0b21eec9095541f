#include "common/text/tokenizer_json.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/text/tokenizer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tokenizer_json.h"

namespace vico {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kWords[] =
    R"({"a": 0, "b": 1, "a</w>": 2, "b</w>": 3, "ab": 4, "ab</w>": 5, "*</w>": 6, "aa": 7,)"
    R"("<|startoftext|>": 8, "<|endoftext|>": 9})";
constexpr char kWordMerges[] = "#version: 0.2\na b</w>\na b\na a\n";

json File(MergeForm form = MergeForm::kPairs) { return TokenizerJson(kWords, kWordMerges, form); }

absl::StatusOr<Tokenizer> Made(const json& file) {
  const auto files = ReadTokenizerJson(file.dump());
  if (!files.ok()) return files.status();
  return Tokenizer::Create(files->vocabulary, files->merges,
                           files->pad_token.empty() ? "<|endoftext|>" : files->pad_token,
                           files->added_tokens);
}

TEST(TokenizerJson, GivesTheIdsOfTheTwoFiles) {
  const auto expected = Tokenizer::Create(kWords, kWordMerges).value();
  for (const MergeForm form : {MergeForm::kPairs, MergeForm::kStrings}) {
    const auto tokenizer = Made(File(form));
    ASSERT_THAT(tokenizer, IsOk());
    for (const char* text : {"AB abab aaab", "z", "", "<|endoftext|>ab", "a*b * ab"}) {
      EXPECT_EQ(tokenizer->Encode(text), expected.Encode(text)) << text;
    }
    EXPECT_EQ(tokenizer->vocab_size(), 10);
  }
}

TEST(TokenizerJson, VariantsOfOlderVersionsAreRead) {
  for (const auto& change : std::vector<std::function<void(json&)>>{
           [](json& file) { file.erase("post_processor"); },
           [](json& file) { file["model"].erase("type"); },
           [](json& file) { file["model"]["unk_token"] = nullptr; },
           [](json& file) { file["model"]["continuing_subword_prefix"] = nullptr; },
           [](json& file) {
             file["normalizer"] = {{"type", "Lowercase"}};
           },
           [](json& file) { file.erase("added_tokens"); },
           [](json& file) {
             file["truncation"] = {{"max_length", 77}};
           },
           [](json& file) {
             file["post_processor"] = {{"type", "TemplateProcessing"},
                                       {"special_tokens",
                                        {{"<|startoftext|>", {{"id", "<|startoftext|>"}}},
                                         {"<|endoftext|>", {{"id", "<|endoftext|>"}}}}}};
           }}) {
    json file = File();
    change(file);
    const auto tokenizer = Made(file);
    ASSERT_THAT(tokenizer, IsOk()) << file.dump();
    EXPECT_EQ(tokenizer->Encode("AB"), (std::vector<int32_t>{5}));
  }
}

TEST(TokenizerJson, AddedAndPadTokensAreRead) {
  json file = File();
  file["added_tokens"].push_back({{"id", 10}, {"content", "<cat>"}, {"special", false}});
  file["added_tokens"].push_back({{"id", 20}, {"content", "!pad"}, {"special", true}});
  file["padding"] = {{"pad_token", "!pad"}};
  const auto tokenizer = Made(file);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ(tokenizer->Encode("ab<cat>ab"), (std::vector<int32_t>{5, 10, 5}));
  EXPECT_EQ(tokenizer->EncodePrompt("ab", "", 4).ids, (std::vector<int32_t>{8, 5, 9, 20}));
}

TEST(TokenizerJson, StartAndEndTokensMayBeAddedTokensOnly) {
  json file = File();
  file["model"]["vocab"].erase("<|startoftext|>");
  file["model"]["vocab"].erase("<|endoftext|>");
  const auto tokenizer = Made(file);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ(tokenizer->start_id(), 8);
  EXPECT_EQ(tokenizer->end_id(), 9);
}

TEST(TokenizerJson, OtherTokenizersAreNamed) {
  struct Case {
    const char* message;
    std::function<void(json&)> change;
  };
  for (const Case& test : std::vector<Case>{
           {"model.type: must be BPE, found \"Unigram\"",
            [](json& f) { f["model"]["type"] = "Unigram"; }},
           {"model.end_of_word_suffix",
            [](json& f) { f["model"]["end_of_word_suffix"] = nullptr; }},
           {"model.byte_fallback", [](json& f) { f["model"]["byte_fallback"] = true; }},
           {"model.unk_token", [](json& f) { f["model"]["unk_token"] = "<unk>"; }},
           {"model.dropout", [](json& f) { f["model"]["dropout"] = 0.1; }},
           {"model.vocab: must be an object", [](json& f) { f["model"]["vocab"] = json::array(); }},
           {"model.merges[0]: must be two tokens",
            [](json& f) { f["model"]["merges"] = {"a b c"}; }},
           {"model.merges[0]",
            [](json& f) {
              f["model"]["merges"] = {{"a", "b", "c"}};
            }},
           {"model.merges: must be a list", [](json& f) { f["model"].erase("merges"); }},
           {"normalizer: must turn letters to lower case",
            [](json& f) {
              f["normalizer"] = {{"type", "NFC"}};
            }},
           {"normalizer: must be made of",
            [](json& f) {
              f["normalizer"]["normalizers"].push_back({{"type", "StripAccents"}});
            }},
           {"normalizer", [](json& f) { f["normalizer"] = nullptr; }},
           {"pre_tokenizer: must be made of",
            [](json& f) {
              f["pre_tokenizer"] = {{"type", "Metaspace"}};
            }},
           {"pre_tokenizer: must split as CLIP does",
            [](json& f) {
              f["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] =
                  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|\\p{N}{1,3}";
            }},
           {"post_processor: must add",
            [](json& f) {
              f["post_processor"] = {
                  {"type", "BertProcessing"}, {"sep", {"[SEP]", 1}}, {"cls", {"[CLS]", 0}}};
            }},
           {"added_tokens[0]: must have the id 8", [](json& f) { f["added_tokens"][0]["id"] = 3; }},
           {"added_tokens[2]",
            [](json& f) {
              f["added_tokens"].push_back({{"content", "<cat>"}});
            }},
       }) {
    json file = File();
    test.change(file);
    const auto read = ReadTokenizerJson(file.dump());
    EXPECT_THAT(read, HasCode(absl::StatusCode::kInvalidArgument)) << test.message;
    EXPECT_THAT(read, HasMessage(HasSubstr(std::string("tokenizer.json: ") + test.message)));
  }
  for (const char* text : {"", "[]", "{", "null", "version https://git-lfs.github.com/spec/v1"}) {
    EXPECT_THAT(ReadTokenizerJson(text), HasMessage(HasSubstr("is not a JSON object"))) << text;
  }
}

}  // namespace
}  // namespace vico
