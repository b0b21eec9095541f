// Compares the networks with diffusers and transformers; recorded by record_models.py. Reads a
// directory that those libraries wrote.
#include <gtest/gtest.h>

#include "tests/golden/files.h"
#include "tests/golden/tensors.h"
#include "tests/support/status_matchers.h"
#include "worker/base_model/base_config.h"
#include "worker/base_model/base_model.h"

namespace vico {

using worker::BaseModel;
using worker::BaseNetworks;
using worker::LoadNetworks;
using worker::LoadParameters;
using worker::OpenBaseModel;
using worker::ParseUNetConfig;
using worker::UNet;

namespace {

using golden::Load;
using golden::Near;

class NetworksGolden : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    model_ = new BaseModel(OpenBaseModel("tests/golden/base").value());
    networks_ = new BaseNetworks(LoadNetworks(*model_).value());
  }
  static void TearDownTestSuite() {
    delete networks_;
    delete model_;
  }

  torch::NoGradGuard no_grad_;
  static inline BaseModel* model_ = nullptr;
  static inline BaseNetworks* networks_ = nullptr;
};

TEST_F(NetworksGolden, UNetEqualsDiffusers) {
  auto io = Load("io/unet.safetensors");
  const auto output = networks_->unet->forward(io["latent"], io["timestep"], io["text"]);
  // Rounding of float32 depends on the processor: diffusers itself differs from its result in
  // float64 by 2e-6 to 2.7e-5.
  EXPECT_TRUE(Near(output, io["output"], 5e-5));
}

TEST_F(NetworksGolden, VaePosteriorEqualsDiffusers) {
  auto io = Load("io/vae.safetensors");
  const auto posterior = networks_->vae->Encode(io["picture"]);
  EXPECT_TRUE(Near(posterior.mean, io["mean"], 2e-5));
  EXPECT_TRUE(Near(posterior.std, io["std"], 2e-5));
}

TEST_F(NetworksGolden, VaeDecoderEqualsDiffusers) {
  auto io = Load("io/vae.safetensors");
  EXPECT_TRUE(Near(networks_->vae->Decode(io["latent"]), io["decoded"], 2e-5));
}

TEST_F(NetworksGolden, TextEncoderEqualsTransformers) {
  auto io = Load("io/text_encoder.safetensors");
  EXPECT_TRUE(Near(networks_->text->forward(io["ids"]), io["states"], 1e-5));
}

TEST_F(NetworksGolden, LearnedWordEqualsARowAddedToTheTable) {
  auto io = Load("io/text_encoder.safetensors");
  const auto states = networks_->text->forward(io["word_ids"], io["placeholder"]);
  EXPECT_TRUE(Near(states, io["word_states"], 1e-5));
}

TEST_F(NetworksGolden, ParametersAreTheCheckpointsOwn) {
  for (const auto& [name, network] :
       std::map<std::string, torch::nn::Module*>{{"unet", networks_->unet.get()},
                                                 {"vae", networks_->vae.get()},
                                                 {"text", networks_->text.get()}}) {
    EXPECT_FALSE(network->is_training()) << name;
    for (const auto& p : network->parameters()) EXPECT_FALSE(p.requires_grad()) << name;
  }
  const auto sites = networks_->unet->transformers();
  ASSERT_EQ(sites.size(), 16u);
  EXPECT_EQ(sites[6].name, "mid_block.attentions.0");
  EXPECT_EQ(sites[8].name, "up_blocks.1.attentions.1");
  EXPECT_EQ(sites[14].name, "up_blocks.3.attentions.1");
}

class UNetPatterns : public ::testing::TestWithParam<const char*> {};

TEST_P(UNetPatterns, EqualDiffusers) {
  const torch::NoGradGuard no_grad;
  const std::string name = GetParam();
  const auto config = ParseUNetConfig(golden::ReadFile(name + "/config.json"), name);
  ASSERT_THAT(config, IsOk());
  UNet unet(*config);
  const auto file = golden::Open(name + "/diffusion_pytorch_model.safetensors");
  ASSERT_THAT(LoadParameters(*unet, file), IsOk());
  auto io = Load("io/" + name + ".safetensors");
  EXPECT_TRUE(Near(unet->forward(io["latent"], io["timestep"], io["text"]), io["output"], 2e-5));
}
INSTANTIATE_TEST_SUITE_P(Toy, UNetPatterns, ::testing::Values("unet_toy"));
INSTANTIATE_TEST_SUITE_P(LinearProjection, UNetPatterns, ::testing::Values("unet_linear"));

}  // namespace
}  // namespace vico
