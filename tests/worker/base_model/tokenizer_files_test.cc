// The tokenizer of a base model in the forms in which people have it.
#include <filesystem>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/support/tokenizer_json.h"
#include "tests/worker/base_model/base_model_fixture.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

class TokenizerFilesTest : public BaseModelTest {
 protected:
  json Json(MergeForm form = MergeForm::kPairs) const {
    return TokenizerJson(ReadSmallFile(Path("tokenizer/vocab.json")).value(),
                         ReadSmallFile(Path("tokenizer/merges.txt")).value(), form);
  }

  void Write(const std::string& name, const json& value) {
    ASSERT_THAT(WriteSmallFile(Path("tokenizer/" + name), value.dump()), IsOk());
  }

  /// Leaves only tokenizer.json, as transformers 5 does.
  void KeepOnly(const json& file) {
    fs::remove(Path("tokenizer/vocab.json"));
    fs::remove(Path("tokenizer/merges.txt"));
    Write("tokenizer.json", file);
  }

  /// Gives the text encoder more rows.
  void AddRows(int64_t count) {
    ChangeTensors(Path("text_encoder/model.safetensors"), [&](TensorMap& tensors) {
      auto& rows = tensors.at("text_model.embeddings.token_embedding.weight");
      rows = torch::cat({rows, torch::ones({count, rows.size(1)}, rows.options())});
    });
    auto config = json::parse(ReadSmallFile(Path("text_encoder/config.json")).value());
    size_ = config["vocab_size"].get<int64_t>();
    config["vocab_size"] = size_ + count;
    ASSERT_THAT(WriteSmallFile(Path("text_encoder/config.json"), config.dump()), IsOk());
  }

  int64_t size_ = 0;  // of the vocabulary
};

TEST_F(TokenizerFilesTest, TokenizerJsonAloneGivesTheSameIds) {
  const auto expected = MakeTokenizer(*OpenBaseModel(path_)).value();
  for (const MergeForm form : {MergeForm::kPairs, MergeForm::kStrings}) {
    fs::remove_all(path_);
    fs::copy(original_->path(), folder_.path(), fs::copy_options::recursive);
    KeepOnly(Json(form));
    const auto model = OpenBaseModel(path_);
    ASSERT_THAT(model, IsOk());
    const auto tokenizer = MakeTokenizer(*model);
    ASSERT_THAT(tokenizer, IsOk());
    for (const char* text : {"a photo of a robot on the beach", "zebra, 123!", "it's"}) {
      EXPECT_EQ(tokenizer->Encode(text), expected.Encode(text)) << text;
    }
    EXPECT_THAT(LoadNetworks(*model), IsOk());
  }
}

TEST_F(TokenizerFilesTest, TheDigestCoversTokenizerJson) {
  KeepOnly(Json());
  const auto first = OpenBaseModel(path_)->description.digest();
  json changed = json::parse(ReadSmallFile(Path("tokenizer/tokenizer.json")).value());
  changed["version"] = "1.1";
  Write("tokenizer.json", changed);
  EXPECT_NE(OpenBaseModel(path_)->description.digest(), first);
}

TEST_F(TokenizerFilesTest, TokenizerJsonBesideTheTwoFilesChangesNoDigest) {
  const auto before = OpenBaseModel(path_)->description.digest();
  Write("tokenizer.json", Json());
  Write("added_tokens.json", json{{"<|endoftext|>", Json()["model"]["vocab"]["<|endoftext|>"]}});
  EXPECT_EQ(OpenBaseModel(path_)->description.digest(), before);
}

TEST_F(TokenizerFilesTest, AnotherModelsTokenizerJsonIsNamed) {
  json file = Json();
  file["model"]["type"] = "Unigram";
  KeepOnly(file);
  EXPECT_THAT(OpenBaseModel(path_),
              HasMessage(HasSubstr("tokenizer/tokenizer.json: tokenizer.json: model.type: must be "
                                   "BPE, found \"Unigram\"")));
}

// Added tokens are where versions of transformers and users have put them.
TEST_F(TokenizerFilesTest, AddedTokensAreRead) {
  AddRows(64);
  const auto id = static_cast<uint64_t>(size_);
  for (const std::string name : {"added_tokens.json", "tokenizer_config.json", "tokenizer.json"}) {
    json file;
    if (name == "added_tokens.json") file = {{"<cat>", id}, {"<dog>", id + 9}};
    if (name == "tokenizer_config.json") {
      file = json::parse(ReadSmallFile(Path("tokenizer/" + name)).value());
      file["added_tokens_decoder"] = {{std::to_string(id), {{"content", "<cat>"}}},
                                      {std::to_string(id + 9), {{"content", "<dog>"}}}};
    }
    if (name == "tokenizer.json") {
      file = Json();
      file["added_tokens"].push_back({{"id", id}, {"content", "<cat>"}});
      file["added_tokens"].push_back({{"id", id + 9}, {"content", "<dog>"}});
    }
    const auto plain = OpenBaseModel(path_);
    ASSERT_THAT(plain, IsOk());
    EXPECT_EQ(plain->added_tokens, "");
    const std::string path = Path("tokenizer/" + name);
    const std::string before = fs::exists(path) ? ReadSmallFile(path).value() : "";
    Write(name, file);
    const auto model = OpenBaseModel(path_);
    ASSERT_THAT(model, IsOk()) << name;
    const auto tokenizer = MakeTokenizer(*model);
    ASSERT_THAT(tokenizer, IsOk());
    EXPECT_EQ(tokenizer->SingleToken("<cat>"), size_) << name;
    EXPECT_EQ(tokenizer->Encode("<dog><cat>"),
              (std::vector<int32_t>{static_cast<int32_t>(size_ + 9), static_cast<int32_t>(size_)}));
    EXPECT_NE(model->description.digest(), plain->description.digest()) << name;
    EXPECT_THAT(model->warnings, testing::IsEmpty());
    before.empty() ? static_cast<void>(fs::remove(path))
                   : static_cast<void>(WriteSmallFile(path, before));
  }
}

TEST_F(TokenizerFilesTest, AddedTokensThatDoNotFitAreLeftOutWithAWarning) {
  AddRows(2);
  Write("added_tokens.json", json{{"<fits>", size_ + 1},
                                  {"<beyond>", size_ + 2},
                                  {"<taken>", 3},
                                  {"<negative>", -1},
                                  {"<text>", "5"}});
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(json::parse(model->added_tokens), (json{{"<fits>", size_ + 1}}));
  EXPECT_THAT(model->warnings,
              testing::UnorderedElementsAre(
                  HasSubstr("\"<beyond>\" is left out: its id is"),
                  HasSubstr("\"<taken>\" is left out: its id 3 is another token's"),
                  HasSubstr("\"<negative>\" is left out"), HasSubstr("\"<text>\" is left out")));
}

TEST_F(TokenizerFilesTest, ATextEncoderMayHaveMoreRowsThanTokens) {
  AddRows(56);
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(LoadNetworks(*model), IsOk());
}

TEST_F(TokenizerFilesTest, FewerRowsThanTokensAreNamed) {
  auto config = json::parse(ReadSmallFile(Path("text_encoder/config.json")).value());
  config["vocab_size"] = config["vocab_size"].get<int64_t>() - 1;
  ASSERT_THAT(WriteSmallFile(Path("text_encoder/config.json"), config.dump()), IsOk());
  EXPECT_THAT(OpenBaseModel(path_), HasMessage(HasSubstr("it must have a row for each")));
}

TEST_F(TokenizerFilesTest, AWrittenBaseModelKeepsItsAddedTokens) {
  AddRows(8);
  Write("added_tokens.json", json{{"<cat>", size_}});
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  const auto networks = LoadNetworks(*model);
  ASSERT_THAT(networks, IsOk());
  const std::string copy = folder_.path() + "/copy";
  ASSERT_THAT(WriteBaseModel(copy, *model, *networks, torch::kFloat32), IsOk());
  const auto again = OpenBaseModel(copy);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->added_tokens, model->added_tokens);
}

}  // namespace
}  // namespace vico::worker
