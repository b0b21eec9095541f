// The directories of the towers as people have them: sharded, damaged, incomplete.
#include <filesystem>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "worker/io/file.h"
#include "worker/io/tensors.h"
#include "worker/towers/clip_tower.h"
#include "worker/towers/dino_tower.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kWeights[] = "model.safetensors";

/// Copies of tests/golden/towers/clip and dino.
class TowerFoldersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"clip", "dino"}) {
      fs::copy(fs::path("tests/golden/towers") / name, fs::path(folder_.path()) / name);
    }
  }

  std::string Clip(const std::string& name = "") const { return folder_.path() + "/clip/" + name; }
  std::string Dino(const std::string& name = "") const { return folder_.path() + "/dino/" + name; }

  static void ChangeJson(const std::string& path, const std::function<void(json&)>& change) {
    json file = json::parse(ReadSmallFile(path).value());
    change(file);
    ASSERT_THAT(WriteSmallFile(path, file.dump()), IsOk());
  }

  static void ChangeTensors(const std::string& path,
                            const std::function<void(TensorMap&)>& change) {
    TensorMap tensors = ReadTensors(SafetensorsFile::Open(path).value());
    change(tensors);
    ASSERT_THAT(WriteTensors(path, tensors, {}), IsOk());
  }

  TempFolder folder_;
};

TEST_F(TowerFoldersTest, AMissingFileIsNamed) {
  for (const std::string name :
       {"config.json", "preprocessor_config.json", "vocab.json", "merges.txt"}) {
    fs::rename(Clip(name), folder_.path() + "/away");
    const auto tower = ClipTower::Load(Clip());
    EXPECT_THAT(tower, HasCode(absl::StatusCode::kNotFound)) << name;
    EXPECT_THAT(tower, HasMessage(HasSubstr(name)));
    fs::rename(folder_.path() + "/away", Clip(name));
  }
  for (const std::string name : {"config.json", "preprocessor_config.json", "model.safetensors"}) {
    fs::rename(Dino(name), folder_.path() + "/away");
    const auto tower = DinoTower::Load(Dino());
    EXPECT_THAT(tower, HasCode(absl::StatusCode::kNotFound)) << name;
    EXPECT_THAT(tower, HasMessage(HasSubstr(name)));
    fs::rename(folder_.path() + "/away", Dino(name));
  }
}

TEST_F(TowerFoldersTest, TheOtherTowerIsRefusedByItsType) {
  EXPECT_THAT(ClipTower::Load(Dino()),
              HasMessage(HasSubstr(R"(config.json: model_type: must be "clip", found "vit")")));
  EXPECT_THAT(DinoTower::Load(Clip()),
              HasMessage(HasSubstr(R"(config.json: model_type: must be "vit", found "clip")")));
}

TEST_F(TowerFoldersTest, ATensorOfAnotherShapeIsNamed) {
  ChangeTensors(Clip(kWeights), [](TensorMap& tensors) {
    tensors["visual_projection.weight"] = torch::ones({10, 15});
  });
  EXPECT_THAT(
      ClipTower::Load(Clip()),
      HasMessage(AllOf(
          HasSubstr(kWeights),
          HasSubstr(R"(tensor "visual_projection.weight": must be [10, 16], found [10, 15])"))));
  ChangeTensors(Dino(kWeights), [](TensorMap& tensors) {
    tensors["embeddings.position_embeddings"] = torch::ones({1, 16, 12});
  });
  EXPECT_THAT(DinoTower::Load(Dino()),
              HasMessage(HasSubstr(R"(tensor "embeddings.position_embeddings": must be [1, 17, 12])"
                                   ", found [1, 16, 12]")));
}

TEST_F(TowerFoldersTest, AMissingTensorIsNamedAsInTheFile) {
  for (const char* name :
       {"text_projection.weight", "text_model.final_layer_norm.bias",
        "vision_model.encoder.layers.1.mlp.fc2.weight", "vision_model.pre_layrnorm.weight"}) {
    fs::copy("tests/golden/towers/clip", Clip(),
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    ChangeTensors(Clip(kWeights), [&](TensorMap& tensors) { tensors.erase(name); });
    EXPECT_THAT(ClipTower::Load(Clip()),
                HasMessage(HasSubstr("\"" + std::string(name) + "\": is missing")));
  }
  const char* name = "encoder.layer.1.attention.attention.query.weight";
  ChangeTensors(Dino(kWeights), [&](TensorMap& tensors) { tensors.erase(name); });
  EXPECT_THAT(DinoTower::Load(Dino()),
              HasMessage(HasSubstr("\"" + std::string(name) + "\": is missing")));
}

TEST_F(TowerFoldersTest, AnUnknownTensorIsRefusedAndLeftoversAreNot) {
  ChangeTensors(Clip(kWeights), [](TensorMap& tensors) {
    tensors["text_model.embeddings.position_ids"] = torch::arange(16).view({1, 16});
    tensors["vision_model.embeddings.position_ids"] = torch::arange(17).view({1, 17});
  });
  EXPECT_THAT(ClipTower::Load(Clip()), IsOk());
  ChangeTensors(Clip(kWeights),
                [](TensorMap& tensors) { tensors["vision_model.extra"] = torch::ones({1}); });
  EXPECT_THAT(ClipTower::Load(Clip()),
              HasMessage(HasSubstr(R"("vision_model.extra": the network has no such parameter)")));
}

TEST_F(TowerFoldersTest, ShardsGiveTheSameTower) {
  const auto pictures = torch::rand({2, 3, 32, 32});
  const auto expected = DinoTower::Load(Dino()).value()->Features(pictures);
  TensorMap shards[2];
  json map;
  for (const auto& [name, tensor] : ReadTensors(SafetensorsFile::Open(Dino(kWeights)).value())) {
    const size_t shard = name.starts_with("encoder.") ? 1 : 0;
    shards[shard].emplace(name, tensor);
    map[name] = shard == 0 ? "a.safetensors" : "b.safetensors";
  }
  ASSERT_THAT(WriteTensors(Dino("a.safetensors"), shards[0], {}), IsOk());
  ASSERT_THAT(WriteTensors(Dino("b.safetensors"), shards[1], {}), IsOk());
  ASSERT_THAT(
      WriteSmallFile(Dino("model.safetensors.index.json"), json{{"weight_map", map}}.dump()),
      IsOk());
  fs::remove(Dino(kWeights));
  const auto tower = DinoTower::Load(Dino());
  ASSERT_THAT(tower, IsOk());
  EXPECT_TRUE(torch::equal((*tower)->Features(pictures), expected));
}

TEST_F(TowerFoldersTest, PicturesOfAnotherSizeThanTheTowersAreRefused) {
  ChangeJson(Dino("preprocessor_config.json"), [](json& file) { file["size"] = 40; });
  EXPECT_THAT(DinoTower::Load(Dino()),
              HasMessage(HasSubstr("preprocessor_config.json: gives pictures of 40 x 40 pixels, "
                                   "and config.json's image_size is 32")));
}

TEST_F(TowerFoldersTest, ATokenizerThatDoesNotFitIsRefused) {
  ChangeJson(Clip("config.json"), [](json& file) { file["text_config"]["eos_token_id"] = 7; });
  EXPECT_THAT(ClipTower::Load(Clip()),
              HasMessage(HasSubstr(
                  "config.json: eos_token_id: must be the tokenizer's 853 or 2, found 7")));
  ChangeJson(Clip("config.json"), [](json& file) { file["text_config"]["vocab_size"] = 800; });
  EXPECT_THAT(ClipTower::Load(Clip()),
              HasMessage(HasSubstr(
                  "config.json: vocab_size: must be at least the tokenizer's 854, found 800")));
}

TEST_F(TowerFoldersTest, EmbeddingsHaveLengthOneAndLongTextsAreCutOff) {
  const auto tower = ClipTower::Load(Clip()).value();
  const auto ids = tower->Ids({"a", std::string(400, 'b')});
  EXPECT_EQ(ids.sizes(), (torch::IntArrayRef{2, 16}));
  EXPECT_TRUE(torch::allclose(tower->TextEmbedding(ids).norm(2, -1), torch::ones({2})));
  const auto pictures = tower->ImageEmbedding(torch::rand({3, 3, 32, 32}));
  EXPECT_TRUE(torch::allclose(pictures.norm(2, -1), torch::ones({3})));
  EXPECT_THROW(tower->ImageEmbedding(torch::rand({1, 3, 32, 40})), c10::Error);
}

TEST_F(TowerFoldersTest, ATextWithoutAnEndIsRefused) {
  ChangeJson(Clip("config.json"), [](json& file) { file["text_config"]["eos_token_id"] = 853; });
  const auto tower = ClipTower::Load(Clip()).value();
  EXPECT_THROW(tower->TextEmbedding(torch::ones({1, 16}, torch::kInt64)), c10::Error);
}

}  // namespace
}  // namespace vico::worker
