#include "worker/io/tensors.h"

#include <cstring>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "worker/model/attention.h"
#include "worker/model/clip_text.h"
#include "worker/model/vae.h"

namespace vico::worker {
namespace {

using ::testing::HasSubstr;

SafetensorsFile FileOf(const TensorMap& tensors) {
  return SafetensorsFile::FromBytes(SerializeTensors(tensors, {}).value(), "weights").value();
}

TensorMap ParametersOf(const torch::nn::Module& module) {
  TensorMap tensors;
  for (const auto& item : module.named_parameters()) {
    tensors[item.key()] = item.value().detach().clone();
  }
  return tensors;
}

bool Equal(const torch::nn::Module& a, const torch::nn::Module& b) {
  for (const auto& item : a.named_parameters()) {
    if (!torch::equal(item.value(), b.named_parameters()[item.key()])) return false;
  }
  return true;
}

ClipTextConfig SmallText() {
  ClipTextConfig config;
  config.vocab_size = 9;
  config.hidden_size = 8;
  config.intermediate_size = 12;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.max_position_embeddings = 5;
  return config;
}

VaeConfig SmallVae() {
  VaeConfig config;
  config.block_out_channels = {4, 8};
  config.layers_per_block = 1;
  config.norm_num_groups = 2;
  return config;
}

TEST(Tensors, EveryDtypeSurvivesTheFile) {
  TensorMap tensors;
  for (const auto type :
       {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
        torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    tensors[c10::toString(type)] = torch::arange(7).to(type);
  }
  tensors["transposed"] = torch::arange(6).view({2, 3}).t();
  const auto read = ReadTensors(FileOf(tensors));
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(read.at(name), tensor)) << name;
  }
}

TEST(Tensors, UnknownDtypeIsRefused) {
  const auto bytes = SerializeTensors({{"c", torch::zeros({1}, torch::kComplexFloat)}}, {});
  EXPECT_THAT(bytes, HasMessage(HasSubstr("tensor \"c\"")));
}

TEST(LoadParameters, HalfPrecisionFileFillsAFullPrecisionModule) {
  const TempFolder folder;
  const std::string path = folder.path() + "/w.safetensors";
  TransformerBlock block(8, 8, 2), loaded(8, 8, 2);
  block->to(torch::kBFloat16);
  ASSERT_THAT(SaveParameters(*block, path, torch::kBFloat16, {{"k", "v"}}), IsOk());
  const auto file = SafetensorsFile::Open(path);
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(LoadParameters(*loaded, *file), IsOk());
  block->to(torch::kFloat32);
  EXPECT_TRUE(Equal(*block, *loaded));
  EXPECT_EQ(loaded->parameters()[0].scalar_type(), torch::kFloat32);
  EXPECT_TRUE(loaded->parameters()[0].requires_grad());
}

TEST(LoadParameters, OldNamesAndConvolutionsOfTheVaeAttentionAreAccepted) {
  Vae vae(SmallVae()), loaded(SmallVae());
  TensorMap old;
  for (const auto& [new_name, parameter] : ParametersOf(*vae)) {
    std::string name = new_name;
    auto tensor = parameter;
    for (const auto& [now, then] :
         std::map<std::string, std::string>{{".to_q.", ".query."},
                                            {".to_k.", ".key."},
                                            {".to_v.", ".value."},
                                            {".to_out.0.", ".proj_attn."}}) {
      if (const auto at = name.find(now); at != std::string::npos) {
        name.replace(at, now.size(), then);
        if (tensor.dim() == 2) tensor = tensor.unsqueeze(-1).unsqueeze(-1);
      }
    }
    old[name] = tensor;
  }
  ASSERT_EQ(old.count("encoder.mid_block.attentions.0.query.weight"), 1u);
  ASSERT_THAT(LoadParameters(*loaded, FileOf(old)), IsOk());
  EXPECT_TRUE(Equal(*vae, *loaded));
}

TEST(LoadParameters, TextTowerLoadsWithAndWithoutItsPrefix) {
  ClipText text(SmallText()), with(SmallText()), without(SmallText());
  auto tensors = ParametersOf(*text);
  tensors["text_model.embeddings.position_ids"] = torch::arange(5).unsqueeze(0);
  ASSERT_THAT(LoadParameters(*with, FileOf(tensors)), IsOk());
  TensorMap bare;
  for (const auto& [name, tensor] : tensors) bare[name.substr(std::strlen("text_model."))] = tensor;
  ASSERT_THAT(LoadParameters(*without, FileOf(bare)), IsOk());
  EXPECT_TRUE(Equal(*text, *with));
  EXPECT_TRUE(Equal(*text, *without));
}

class LoadErrors : public ::testing::Test {
 protected:
  absl::Status Load() {
    TransformerBlock block(8, 8, 2);
    return LoadParameters(*block, FileOf(tensors_));
  }
  TensorMap tensors_ = ParametersOf(*TransformerBlock(8, 8, 2));
};

TEST_F(LoadErrors, MissingTensorIsNamedWithItsShape) {
  tensors_.erase("attn2.to_q.weight");
  EXPECT_THAT(Load(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Load(), HasMessage(HasSubstr("weights: tensor \"attn2.to_q.weight\": is missing, "
                                           "must be [8, 8]")));
}

TEST_F(LoadErrors, UnknownTensorIsNamed) {
  tensors_["attn3.to_q.weight"] = torch::zeros({8, 8});
  EXPECT_THAT(Load(), HasMessage(HasSubstr("\"attn3.to_q.weight\": the network has no such")));
}

TEST_F(LoadErrors, WrongShapeNamesBothShapes) {
  tensors_["norm1.bias"] = torch::zeros({4, 2});
  EXPECT_THAT(Load(), HasMessage(HasSubstr("\"norm1.bias\": must be [8], found [4, 2]")));
}

TEST_F(LoadErrors, IntegersAreNotWeights) {
  tensors_["norm1.bias"] = torch::zeros({8}, torch::kInt32);
  EXPECT_THAT(Load(), HasMessage(HasSubstr("floating-point numbers, found I32")));
}

TEST(LoadParameters, OneParameterUnderTwoNamesIsRefused) {
  Vae vae(SmallVae());
  auto tensors = ParametersOf(*vae);
  tensors["encoder.mid_block.attentions.0.query.bias"] =
      tensors["encoder.mid_block.attentions.0.to_q.bias"];
  EXPECT_THAT(LoadParameters(*vae, FileOf(tensors)),
              HasMessage(HasSubstr("is there twice, also as")));
}

}  // namespace
}  // namespace vico::worker
