// Compares image attention with the authors' code; recorded by record_vico.py. The fixture of one
// block was computed in float64 with the authors' and diffusers' block.
#include <gtest/gtest.h>

#include "tests/golden/authors_networks.h"
#include "tests/golden/tensors.h"
#include "worker/model/personalized.h"

namespace vico {

using worker::Adapter;
using worker::AdditiveOtsuMask;
using worker::AttentionRegularizer;
using worker::KeyMask;
using worker::OtsuMask;
using worker::RunTarget;
using worker::SiteFeatures;
using worker::TensorMap;
using worker::TransformerBlock;
using worker::UNet;

namespace {

using golden::FillByFormula;
using golden::Load;
using golden::Near;
using golden::ReducedUNet;

constexpr double kRegWeight = 0.5;

class AuthorsUNet : public ::testing::Test {
 protected:
  AuthorsUNet() : r_(Load("io/vico.safetensors")) {}

  std::vector<SiteFeatures> Reference(const torch::Tensor& text) {
    return RunReference(unet_, adapter_->sites(), r_["unet.reference"], r_["unet.timestep"], text,
                        {r_["unet.placeholder"], r_["unet.end"]});
  }

  torch::Tensor Predict(const std::vector<SiteFeatures>& features, KeyMask mask,
                        const torch::Tensor& text) {
    return RunTarget(unet_, adapter_, {.mask = mask}, features, r_["unet.latent"],
                     r_["unet.timestep"], text, {})
        .predicted;
  }

  golden::AuthorsNetworks networks_;
  UNet& unet_ = networks_.unet;
  Adapter& adapter_ = networks_.adapter;
  TensorMap r_;
};

TEST_F(AuthorsUNet, SitesAreTheirs) {
  EXPECT_EQ(adapter_->site_names(),
            (std::vector<std::string>{"up_blocks.1.attentions.1", "up_blocks.2.attentions.0",
                                      "up_blocks.2.attentions.2", "up_blocks.3.attentions.1"}));
}

TEST_F(AuthorsUNet, AttentionMapsAndMasksAreTheirs) {
  const torch::NoGradGuard no_grad;
  const auto features = Reference(r_["unet.text"]);
  ASSERT_EQ(features.size(), 4u);
  for (size_t i = 0; i < features.size(); ++i) {
    const std::string site = "unet.site" + std::to_string(i);
    EXPECT_TRUE(Near(features[i].placeholder, r_[site + ".attention"], 1e-5)) << site;
    EXPECT_TRUE(torch::equal(OtsuMask(features[i].placeholder), r_[site + ".mask"])) << site;
  }
}

TEST_F(AuthorsUNet, PredictionLossAndGradientsAreTheirs) {
  const auto text = r_["unet.text"].clone().requires_grad_(true);
  const auto features = Reference(text);
  const auto output = Predict(features, KeyMask::kOtsu, text);
  auto reg = torch::zeros({});
  for (const auto& site : features) reg = reg + AttentionRegularizer(site);
  const auto loss = (output - r_["unet.noise"]).square().mean() + kRegWeight * reg;
  loss.backward();

  EXPECT_TRUE(Near(output, r_["unet.output"], 1e-4));
  EXPECT_TRUE(Near(reg, r_["unet.reg"], 1e-5));
  EXPECT_TRUE(Near(loss, r_["unet.loss"], 1e-5));
  const auto relative = [](const torch::Tensor& expected) {
    return 1e-3 * expected.abs().max().item<double>();
  };
  EXPECT_TRUE(Near(text.grad(), r_["unet.text_grad"], relative(r_["unet.text_grad"])));
  for (size_t i = 0; i < features.size(); ++i) {
    const auto parameters = adapter_->block(i)->named_parameters();
    for (const char* leaf : {"attn1.to_v.weight", "attn2.to_q.weight", "attn2.to_k.weight",
                             "ff.net.0.proj.bias", "norm3.weight"}) {
      const auto& expected = r_["unet.site" + std::to_string(i) + ".grad." + leaf];
      EXPECT_TRUE(Near(parameters[leaf].grad(), expected, relative(expected))) << i << " " << leaf;
    }
  }
}

TEST_F(AuthorsUNet, MaskAndReferenceMatterThere) {  // shows that the test above is sensitive
  const torch::NoGradGuard no_grad;
  const auto features = Reference(r_["unet.text"]);
  const auto unmasked = Predict(features, KeyMask::kNone, r_["unet.text"]);
  EXPECT_FALSE(Near(unmasked, r_["unet.output"], 1e-3));
}

TEST(OtsuGolden, MasksEqualTheAuthors) {
  auto r = Load("io/vico.safetensors");
  const auto masks = OtsuMask(r["otsu.maps"]);
  for (int64_t row = 0; row < masks.size(0); ++row) {
    EXPECT_TRUE(torch::equal(masks[row], r["otsu.masks"][row])) << "map " << row;
  }
}

class BlockFixture : public ::testing::Test {
 protected:
  static constexpr int64_t kWidth = 64, kTokens = 16;

  BlockFixture() : block_(kWidth, kWidth, 8) {
    block_->to(torch::kFloat64);
    // In the order of the paper's list of leaves.
    const std::vector<std::string> leaves = {"norm1.weight",
                                             "norm1.bias",
                                             "attn1.to_q.weight",
                                             "attn1.to_k.weight",
                                             "attn1.to_v.weight",
                                             "attn1.to_out.0.weight",
                                             "attn1.to_out.0.bias",
                                             "norm2.weight",
                                             "norm2.bias",
                                             "attn2.to_q.weight",
                                             "attn2.to_k.weight",
                                             "attn2.to_v.weight",
                                             "attn2.to_out.0.weight",
                                             "attn2.to_out.0.bias",
                                             "norm3.weight",
                                             "norm3.bias",
                                             "ff.net.0.proj.weight",
                                             "ff.net.0.proj.bias",
                                             "ff.net.2.weight",
                                             "ff.net.2.bias"};
    auto parameters = block_->named_parameters();
    EXPECT_EQ(parameters.size(), leaves.size());
    const torch::NoGradGuard no_grad;
    for (size_t l = 0; l < leaves.size(); ++l) {
      auto& p = parameters[leaves[l]];
      const auto i = torch::arange(p.numel(), torch::kFloat64).remainder(997);
      const bool norm_weight = leaves[l].starts_with("norm") && leaves[l].ends_with("weight");
      p.copy_((0.2 * torch::sin(static_cast<double>(l + 1) + 1.3 * i) + (norm_weight ? 1.0 : 0.0))
                  .view(p.sizes()));
    }
    const auto j = torch::arange(kTokens * kWidth, torch::kFloat64);
    x_ = torch::sin(0.11 * j + 0.5).view({1, kTokens, kWidth});
    reference_ = torch::cos(0.07 * j).view({1, kTokens, kWidth});
    const auto n = torch::arange(1, kTokens + 1, torch::kFloat64);
    site_.placeholder = (0.01 + 0.09 * torch::sin(1.1 * n).abs()).unsqueeze(0);
    site_.end = (0.01 + 0.09 * torch::cos(0.6 * n).abs()).unsqueeze(0);
  }

  TransformerBlock block_;
  torch::Tensor x_, reference_;
  SiteFeatures site_;
  torch::NoGradGuard no_grad_;
};

TEST_F(BlockFixture, OtsuMask) {
  const auto mask = vico::worker::OtsuMask(site_.placeholder);
  std::string bits;
  for (int64_t n = 0; n < kTokens; ++n) bits += mask[0][n].item<bool>() ? '1' : '0';
  EXPECT_EQ(bits, "1101101001001011");
}

TEST_F(BlockFixture, Regularizer) {
  EXPECT_NEAR(AttentionRegularizer(site_).item<double>(), 0.123138587217, 1e-11);
}

TEST_F(BlockFixture, MaskedOutput) {
  const auto mask = vico::worker::OtsuMask(site_.placeholder).unsqueeze(1).unsqueeze(1);
  const auto out = block_(x_, reference_, mask)[0];
  const std::vector<double> first = {3.8958593890, 3.4057667538, 3.0801390507, 1.1302394768};
  const std::vector<double> last = {1.5183959872, 1.2113741209, -1.7725776145, -2.1939058495};
  for (int64_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(out[0][k].item<double>(), first[static_cast<size_t>(k)], 1e-8);
    EXPECT_NEAR(out[15][60 + k].item<double>(), last[static_cast<size_t>(k)], 1e-8);
  }
  EXPECT_NEAR(out.sum().item<double>(), 226.3322267327, 1e-6);
  EXPECT_NEAR(out.square().sum().item<double>(), 4439.0139773977, 1e-5);
}

TEST_F(BlockFixture, UnmaskedOutput) {
  const auto out = block_(x_, reference_)[0];
  const std::vector<double> first = {3.8835476484, 3.3902785062, 3.0670427585, 1.1365385392};
  for (int64_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(out[0][k].item<double>(), first[static_cast<size_t>(k)], 1e-8);
  }
  EXPECT_NEAR(out.sum().item<double>(), 225.3476333136, 1e-6);
}

TEST_F(BlockFixture, OutputWithMmagicsAdditiveMask) {
  const auto mask = AdditiveOtsuMask(site_.placeholder).to(torch::kFloat64);
  const auto out = block_(x_, reference_, mask.unsqueeze(1).unsqueeze(1))[0];
  const std::vector<double> first = {3.8894894613, 3.3977368618, 3.0733504836, 1.1334822463};
  for (int64_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(out[0][k].item<double>(), first[static_cast<size_t>(k)], 1e-8);
  }
  EXPECT_NEAR(out.sum().item<double>(), 225.8234919811, 1e-6);
}

}  // namespace
}  // namespace vico
