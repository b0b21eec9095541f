// Compares single-file checkpoints with CompVis' modules and diffusers' converter; recorded by
// record_compvis.py.
#include <cmath>
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
#include "worker/compvis/compvis_names.h"
#include "worker/model/uninitialized.h"

namespace vico {

using worker::ClipText;
using worker::ClipTextConfig;
using worker::FromCompVis;
using worker::LoadNetworks;
using worker::MakeTokenizer;
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
  const auto with_folder = OpenBaseModel(path_, folder_.path() + "/elsewhere");
  ASSERT_THAT(with_folder, IsOk());
  EXPECT_EQ(with_folder->description.digest(), beside->description.digest());
}

TEST_F(SingleFile, TokenizerJsonBesideTheFileIsEnough) {
  Write();
  const auto expected = MakeTokenizer(*OpenBaseModel(path_)).value();
  fs::remove_all(folder_.path() + "/tokenizer");
  fs::copy("tests/golden/tokenizer_json/plain/tokenizer.json", folder_.path());
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  const auto tokenizer = MakeTokenizer(*model);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ(tokenizer->Encode("a photo of 東京, it's"), expected.Encode("a photo of 東京, it's"));
}

// What programs leave in single files, next to what is needed.
TEST_F(SingleFile, LeftoversAreCountedAndIgnored) {
  const auto before = tensors_.size();
  for (const char* name :
       {"first_stage_model.loss.logvar", "first_stage_model.loss.discriminator.main.0.weight",
        "first_stage_model.model_ema.decay", "model_ema.diffusion_modelinput_blocks00weight",
        "safety_checker.concept_embeds", "embedding_manager.string_to_param_dict.*",
        "cond_stage_model.transformer.vision_model.embeddings.class_embedding",
        "cond_stage_model.transformer.visual_projection.weight",
        "cond_stage_model.transformer.text_projection.weight", "cond_stage_model.logit_scale",
        "alphas_cumprod", "log_one_minus_alphas_cumprod", "optimizer_states.0.exp_avg",
        "global_step", "lora_unet_none", "anything.else"}) {
    tensors_[name] = torch::full({2, 3}, std::nan(""));
  }
  tensors_["global_step"] = torch::zeros({}, torch::kInt64);
  Write();
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  const auto networks = LoadNetworks(*model);
  ASSERT_THAT(networks, IsOk());
  // Three were there before: model_ema.decay, betas and position_ids.
  const auto count = std::to_string(tensors_.size() - before + 3);
  EXPECT_THAT(networks->notes,
              testing::ElementsAre(HasSubstr(count + " tensors are not needed and not read")));
}

TEST_F(SingleFile, OddTensorsThatAreNeededAreNamed) {
  const std::string name = "model.diffusion_model.out.0.weight";
  const auto kept = tensors_.at(name);
  tensors_[name] = torch::zeros(kept.sizes(), torch::kInt64);
  EXPECT_THAT(Message(), HasSubstr(name + "\": must hold floating-point numbers, found I64"));
  tensors_[name] = torch::full(kept.sizes(), std::nan(""));
  EXPECT_THAT(Message(), HasSubstr(name + "\": holds numbers that are not finite"));
  tensors_[name] = kept;
  tensors_["model.diffusion_model.out.2.scale_weight"] = torch::ones({1});
  EXPECT_THAT(Message(), HasSubstr("is a scale of weights of 8 bits"));
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
