// Compares single-file checkpoints with CompVis' modules and diffusers' converter; recorded by
// record_compvis.py.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/golden/files.h"
#include "tests/golden/tensors.h"
#include "tests/golden/vico_helpers.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "worker/base_model/base_model.h"
#include "worker/base_model/compvis_names.h"
#include "worker/model/uninitialized.h"

namespace vico {

using worker::ClipText;
using worker::ClipTextConfig;
using worker::FromCompVis;
using worker::LoadNetworks;
using worker::Network;
using worker::OpenBaseModel;
using worker::TensorMap;
using worker::UNet;
using worker::UNetConfig;
using worker::UninitializedParameters;
using worker::Vae;
using worker::VaeConfig;
using worker::WriteTensors;

namespace {

namespace fs = std::filesystem;
using golden::FormulaWeights;
using golden::Load;
using golden::Near;
using nlohmann::json;
using ::testing::HasSubstr;

TEST(CompVisNames, AllNamesOfAFullFileEqualDiffusersConverter) {
  const UninitializedParameters nothing_is_computed;
  std::map<Network, torch::OrderedDict<std::string, torch::Tensor>> parameters;
  parameters[Network::kUNet] = UNet(UNetConfig())->named_parameters();
  parameters[Network::kVae] = Vae(VaeConfig())->named_parameters();
  parameters[Network::kText] = ClipText(ClipTextConfig())->named_parameters();
  std::map<Network, size_t> count;
  for (const auto& entry : json::parse(golden::ReadFile("compvis/names.json"))) {
    const auto stored = entry[0].get<std::string>();
    const auto name = FromCompVis(stored, {});
    ASSERT_TRUE(name) << stored;
    EXPECT_EQ(name->name, entry[1].get<std::string>()) << stored;
    const torch::Tensor* parameter = parameters[name->network].find(name->name);
    ASSERT_NE(parameter, nullptr) << name->name;
    auto shape = entry[2].get<std::vector<int64_t>>();
    if (parameter->dim() == 2 && shape.size() == 4) shape.resize(2);  // 1x1 convolutions
    EXPECT_EQ(parameter->sizes(), torch::IntArrayRef(shape)) << stored;
    ++count[name->network];
  }
  EXPECT_EQ(count[Network::kUNet], 686u);
  EXPECT_EQ(count[Network::kVae], 248u);
  EXPECT_EQ(count[Network::kText], 196u);
  for (const auto& [network, all] : parameters) EXPECT_EQ(count[network], all.size());
}

class SingleFile : public ::testing::Test {
 protected:
  SingleFile() : path_(folder_.path() + "/Tiny v1.safetensors") {
    int64_t index = 0;
    for (const auto& entry : json::parse(golden::ReadFile("compvis/tiny.json"))) {
      const auto name = entry[0].get<std::string>();
      tensors_[name] =
          FormulaWeights(++index, name, entry[1].get<std::vector<int64_t>>()).to(torch::kFloat32);
    }
    tensors_["model_ema.decay"] = torch::zeros({});
    tensors_["betas"] = torch::zeros({1000});
    tensors_["cond_stage_model.transformer.text_model.embeddings.position_ids"] =
        torch::zeros({1, 16}, torch::kInt64);
    fs::copy("tests/golden/tokenizer", folder_.path() + "/tokenizer");
  }

  void Write() { ASSERT_THAT(WriteTensors(path_, tensors_, {}), IsOk()); }

  std::string Message() {
    Write();
    const auto model = OpenBaseModel(path_);
    return std::string(model.ok() ? LoadNetworks(*model).status().message()
                                  : model.status().message());
  }

  TempFolder folder_;
  std::string path_;
  TensorMap tensors_;
};

TEST_F(SingleFile, OutputsEqualTheAuthorsModules) {
  const torch::NoGradGuard no_grad;
  Write();
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->description.name(), "baseModels/tiny-v1");
  EXPECT_EQ(model->unet.block_out_channels, (std::vector<int64_t>{32, 64}));
  EXPECT_EQ(model->unet.layers_per_block, 1);
  auto networks = LoadNetworks(*model);
  ASSERT_THAT(networks, IsOk());
  auto io = Load("io/compvis.safetensors");
  EXPECT_TRUE(Near(networks->text->forward(io["ids"]), io["text"], 2e-5));
  EXPECT_TRUE(
      Near(networks->unet->forward(io["latent"], io["timestep"], io["text"]), io["output"], 2e-5));
  const auto posterior = networks->vae->Encode(io["picture"]);
  EXPECT_TRUE(Near(posterior.mean, io["mean"], 2e-5));
  EXPECT_TRUE(Near(posterior.std, io["std"], 2e-5));
  EXPECT_TRUE(Near(networks->vae->Decode(io["latent"]), io["decoded"], 5e-5));
}

TEST_F(SingleFile, TheTokenizerIsBesideTheFileOrInTheGivenFolder) {
  Write();
  const auto beside = OpenBaseModel(path_);
  ASSERT_THAT(beside, IsOk());
  fs::rename(folder_.path() + "/tokenizer", folder_.path() + "/elsewhere");
  EXPECT_THAT(OpenBaseModel(path_), HasMessage(HasSubstr("no vocab.json and merges.txt in " +
                                                         folder_.path() + "/tokenizer")));
  const auto told = OpenBaseModel(path_, folder_.path() + "/elsewhere");
  ASSERT_THAT(told, IsOk());
  EXPECT_EQ(told->description.digest(), beside->description.digest());
}

TEST_F(SingleFile, UnknownMissingAndMisshapenTensorsAreNamed) {
  const std::string norm = "first_stage_model.encoder.norm_out.weight";
  tensors_["model.diffusion_model.extra.weight"] = torch::zeros({1});
  EXPECT_THAT(Message(), HasSubstr("Tiny v1.safetensors: tensor \"model.diffusion_model.extra"));
  tensors_.erase("model.diffusion_model.extra.weight");
  const auto kept = tensors_[norm];
  tensors_[norm] = torch::zeros({3});
  EXPECT_THAT(Message(), HasSubstr(norm + "\": must be [64], found [3]"));
  tensors_.erase(norm);
  EXPECT_THAT(Message(), HasSubstr("tensor \"encoder.conv_norm_out.weight\": is missing"));
  tensors_[norm] = kept;
  tensors_.erase("model.diffusion_model.out.2.weight");
  EXPECT_THAT(Message(), HasSubstr("model.diffusion_model.out.2.weight\": is missing"));
}

TEST_F(SingleFile, OtherArchitecturesAreNamed) {
  for (const auto& [name, what] : std::map<std::string, std::string>{
           {"cond_stage_model.model.ln_final.bias", "Stable Diffusion 2.x"},
           {"conditioner.embedders.0.x", "Stable Diffusion XL"},
           {"model.diffusion_model.joint_blocks.0.x", "Stable Diffusion 3"},
           {"model.diffusion_model.double_blocks.0.x", "FLUX"}}) {
    tensors_[name] = torch::zeros({1});
    EXPECT_THAT(Message(), HasSubstr("tensor \"" + name + "\" is " + what));
    tensors_.erase(name);
  }
  tensors_["model.diffusion_model.input_blocks.0.0.weight"] = torch::zeros({32, 9, 3, 3});
  EXPECT_THAT(Message(), HasSubstr("9 input channels is a model for inpainting"));
}

}  // namespace
}  // namespace vico
