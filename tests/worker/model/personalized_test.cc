// The two streams on a small U-Net with random weights.
#include "worker/model/personalized.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

UNetConfig SmallUNet() {
  UNetConfig config;
  config.block_out_channels = {16, 32};
  config.down_attention = {true, true};
  config.up_attention = {true, true};
  config.heads = {2, 4};
  config.layers_per_block = 1;
  config.cross_attention_dim = 24;
  config.norm_num_groups = 4;
  return config;
}

class PersonalizedTest : public ::testing::Test {
 protected:
  PersonalizedTest() {
    at::manual_seed(3);
    unet = UNet(SmallUNet());
    for (auto& p : unet->parameters()) p.set_requires_grad(false);
    sites =
        PaperSites(unet->encoder_and_middle(), static_cast<int64_t>(unet->transformers().size()));
    adapter = Adapter(unet->transformers(), sites, 24, 5, BlockStart::kDefault);
    x = at::randn({2, 4, 8, 8});
    r = at::randn({2, 4, 8, 8});
    t = at::tensor({17, 803}, at::kLong);
    text = at::randn({2, 6, 24});
    positions = {at::tensor({2, 3}, at::kLong), at::tensor({4, 5}, at::kLong)};
  }

  // The prediction in the paper's dialect.
  torch::Tensor Predict(Adapter& with, const std::vector<SiteFeatures>& features, KeyMask mask,
                        const torch::Tensor& latent, const torch::Tensor& timestep,
                        const torch::Tensor& states) {
    return RunTarget(unet, with, {.mask = mask}, features, latent, timestep, states, {}).predicted;
  }

  std::vector<SiteFeatures> Reference() { return RunReference(unet, sites, r, t, text, positions); }

  UNet unet{nullptr};
  std::vector<int64_t> sites;
  Adapter adapter{nullptr};
  torch::Tensor x, r, t, text;
  TokenPositions positions;
};

TEST(PaperSitesTest, EqualTheAuthorsOnStableDiffusion) {
  EXPECT_EQ(PaperSites(7, 16), (std::vector<int64_t>{8, 10, 12, 14}));
}

TEST_F(PersonalizedTest, TransformersAreCountedInExecutionOrder) {
  std::vector<std::string> names;
  for (const auto& site : unet->transformers()) names.push_back(site.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"down_blocks.0.attentions.0", "down_blocks.1.attentions.0",
                                      "mid_block.attentions.0", "up_blocks.0.attentions.0",
                                      "up_blocks.0.attentions.1", "up_blocks.1.attentions.0",
                                      "up_blocks.1.attentions.1"}));
  EXPECT_EQ(sites, (std::vector<int64_t>{4, 6}));
}

TEST_F(PersonalizedTest, BlocksWithZeroOutputsLeaveTheBaseModelsPrediction) {
  Adapter zero(unet->transformers(), sites, 24, 5, BlockStart::kZero);
  const auto plain = unet(x, t, text);
  const auto personal = Predict(zero, Reference(), KeyMask::kOtsu, x, t, text);
  EXPECT_LT((plain - personal).abs().max().item<double>(), 1e-6);
}

TEST_F(PersonalizedTest, BlocksThatStartAsSelfAttentionCopyItAndLeaveThePrediction) {
  Adapter copied(unet->transformers(), sites, 24, 5, BlockStart::kSelfAttention);
  copied->CopySelfAttention(*unet);
  const auto plain = unet(x, t, text);
  const auto personal = Predict(copied, Reference(), KeyMask::kOtsu, x, t, text);
  EXPECT_LT((plain - personal).abs().max().item<double>(), 1e-6);
  const auto of_base = unet->named_parameters();
  auto own = copied->NamedTensors();
  for (const std::string& site : copied->site_names()) {
    const auto& source = of_base[site + ".transformer_blocks.0.attn1.to_v.weight"];
    for (const auto* attention : {"attn1", "attn2"}) {
      EXPECT_TRUE(
          at::equal(own[site + ".image_cross_attention." + attention + ".to_v.weight"], source));
    }
  }
}

TEST_F(PersonalizedTest, DefaultBlocksChangeThePrediction) {
  const auto plain = unet(x, t, text);
  const auto personal = Predict(adapter, Reference(), KeyMask::kOtsu, x, t, text);
  EXPECT_GT((plain - personal).abs().max().item<double>(), 1e-3);
}

// A block whose only output projection is that of the attention to the reference adds a linear
// function of it, so that a strength equals a scaled projection.
TEST_F(PersonalizedTest, StrengthWeighsWhatABlockAdds) {
  const auto predict = [&](double projection, double strength) {
    Adapter linear(unet->transformers(), std::vector{sites.back()}, 24, 5, BlockStart::kZero);
    for (auto& [name, tensor] : linear->NamedTensors()) {
      if (name.find("attn2.to_out") != std::string::npos) tensor.detach().fill_(0.01 * projection);
    }
    const Look look = {.strength = strength};
    const auto features = RunReference(unet, linear->sites(), r, t, text, positions);
    return RunTarget(unet, linear, look, features, x, t, text, {}).predicted;
  };
  const auto plain = unet(x, t, text);
  EXPECT_LT((predict(1, 0) - plain).abs().max().item<double>(), 1e-6);
  for (const double strength : {0.25, 1.0, 2.0}) {
    const auto scaled = predict(strength, 1);
    EXPECT_LT((predict(1, strength) - scaled).abs().max().item<double>(), 1e-5) << strength;
    EXPECT_GT((scaled - plain).abs().max().item<double>(), 1e-3) << strength;
  }
}

TEST_F(PersonalizedTest, MaskedTokensHaveNoInfluence) {
  auto features = Reference();
  const auto before = Predict(adapter, features, KeyMask::kOtsu, x, t, text);
  for (auto& site : features) {
    const auto hidden = OtsuMask(site.placeholder).logical_not().unsqueeze(-1);
    ASSERT_TRUE(hidden.any().item<bool>());
    site.tokens = at::where(hidden, site.tokens + 100.0, site.tokens);
  }
  const auto after = Predict(adapter, features, KeyMask::kOtsu, x, t, text);
  EXPECT_EQ((before - after).abs().max().item<double>(), 0);
  const auto unmasked = Predict(adapter, features, KeyMask::kNone, x, t, text);
  EXPECT_GT((after - unmasked).abs().max().item<double>(), 1e-4);
}

TEST_F(PersonalizedTest, OneReferenceForAllRowsEqualsOnePerRow) {
  const auto same = [](const torch::Tensor& v) { return v.narrow(0, 0, 1).expand_as(v); };
  const auto one =
      RunReference(unet, sites, r.narrow(0, 0, 1), t.narrow(0, 0, 1), text.narrow(0, 0, 1),
                   {positions.placeholder.narrow(0, 0, 1), positions.end.narrow(0, 0, 1)});
  const auto each = RunReference(unet, sites, same(r), same(t), same(text),
                                 {same(positions.placeholder), same(positions.end)});
  const auto shared = Predict(adapter, one, KeyMask::kOtsu, x, same(t), same(text));
  const auto repeated = Predict(adapter, each, KeyMask::kOtsu, x, same(t), same(text));
  EXPECT_LT((shared - repeated).abs().max().item<double>(), 1e-5);
}

TEST_F(PersonalizedTest, ABatchOfTwoEqualsTwoBatchesOfOne) {
  const auto both = Predict(adapter, Reference(), KeyMask::kOtsu, x, t, text);
  for (int64_t i = 0; i < 2; ++i) {
    const auto row = [&](const torch::Tensor& v) { return v.narrow(0, i, 1); };
    const auto features = RunReference(unet, sites, row(r), row(t), row(text),
                                       {row(positions.placeholder), row(positions.end)});
    const auto one = Predict(adapter, features, KeyMask::kOtsu, row(x), row(t), row(text));
    EXPECT_LT((one - row(both)).abs().max().item<double>(), 1e-5);
  }
}

TEST_F(PersonalizedTest, TheRegularizerReachesTheTextAndNoBlock) {
  text.set_requires_grad(true);
  auto regularizer = at::zeros({});
  for (const auto& site : Reference()) regularizer = regularizer + AttentionRegularizer(site);
  regularizer.backward();
  EXPECT_GT(text.grad().abs().max().item<double>(), 0);
  for (const auto& p : adapter->BlockParameters()) EXPECT_FALSE(p.grad().defined());
}

TEST_F(PersonalizedTest, TheNoiseLossReachesTextAndEveryBlockParameterButNoBaseWeight) {
  text.set_requires_grad(true);
  Predict(adapter, Reference(), KeyMask::kOtsu, x, t, text).square().mean().backward();
  EXPECT_GT(text.grad().abs().max().item<double>(), 0);
  for (const auto& item : adapter->named_parameters()) {
    if (item.key() == "placeholder_embedding") continue;  // reaches the loss through the text only
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
  for (const auto& p : unet->parameters()) EXPECT_FALSE(p.grad().defined());
}

TEST(MmagicSitesTest, EqualMmagicsOnStableDiffusionAndExcludeTheMiddle) {
  EXPECT_EQ(MmagicSites(7, 16), (std::vector<int64_t>{9, 11, 13, 15}));
  EXPECT_EQ(MmagicSites(3, 7), (std::vector<int64_t>{5}));
}

TEST(MmagicAttentionTest, OnePictureReadsHeadOneOfTheTarget) {
  at::manual_seed(2);
  const auto probabilities = at::rand({3, 8, 5, 4});
  EXPECT_TRUE(at::equal(MmagicAttention(probabilities, 1), probabilities.select(1, 1)));
}

TEST(MmagicAttentionTest, EightPicturesReadTheHeadsOfTheSecondTarget) {
  at::manual_seed(2);
  const auto probabilities = at::rand({8, 8, 5, 4});
  EXPECT_TRUE(at::equal(MmagicAttention(probabilities, 8), probabilities[1]));
}

TEST(MmagicAttentionTest, CallsDoNotReadOtherCalls) {
  at::manual_seed(2);
  const auto probabilities = at::rand({6, 4, 5, 4});
  const auto halves = at::cat({MmagicAttention(probabilities.narrow(0, 0, 3), 3),
                               MmagicAttention(probabilities.narrow(0, 3, 3), 3)});
  EXPECT_TRUE(at::equal(MmagicAttention(probabilities, 3), halves));
  EXPECT_FALSE(at::equal(MmagicAttention(probabilities, 6), halves));
  EXPECT_THROW(MmagicAttention(probabilities, 4), c10::Error);
  EXPECT_THROW(MmagicAttention(probabilities.narrow(1, 0, 1), 1), c10::Error);
}

TEST(AdditiveOtsuMaskTest, IsOneAboveTheThresholdZeroBelowAndTheThresholdAtIt) {
  const auto v = at::tensor({0.0, 0.05, 0.3, 0.4, 0.45, 0.55, 0.55, 1.0}, at::kFloat);
  const auto expected = at::tensor({0.0, 0.0, 0.0, 0.4, 1.0, 1.0, 1.0, 1.0}, at::kFloat);
  EXPECT_TRUE(at::equal(AdditiveOtsuMask(v.unsqueeze(0))[0], expected));
  EXPECT_TRUE(AdditiveOtsuMask(at::full({2, 16}, 0.3)).eq(1).all().item<bool>());
}

class MmagicTest : public PersonalizedTest {
 protected:
  MmagicTest() {
    // Three sites, so that a target's map can depend on the blocks before it.
    sites = {4, 5, 6};
    adapter = Adapter(unet->transformers(), sites, 24, 5, BlockStart::kDefault);
  }

  TargetPass Run(const torch::Tensor& reference) {
    const auto features = RunReference(unet, sites, reference, t, text, {});
    return RunTarget(unet, adapter, {.dialect = Dialect::kMmagic}, features, x, t, text, positions);
  }
};

TEST_F(MmagicTest, TheRegularizerReachesTheTextAndEveryBlockButTheLast) {
  text.set_requires_grad(true);
  auto regularizer = at::zeros({});
  for (const auto& site : Run(r).seen) regularizer = regularizer + AttentionRegularizer(site);
  regularizer.backward();
  EXPECT_GT(text.grad().abs().max().item<double>(), 0);
  for (size_t i = 0; i < sites.size(); ++i) {
    for (const auto& item : adapter->block(i)->named_parameters()) {
      const bool last = i + 1 == sites.size();
      EXPECT_EQ(item.value().grad().defined(), !last) << i << " " << item.key();
    }
  }
}

TEST_F(MmagicTest, MasksAreTheTargetsNotTheReferences) {
  const auto one = Run(r);
  const auto other = Run(r + 1);  // the first site's map does not depend on the reference
  EXPECT_TRUE(at::equal(one.seen[0].placeholder, other.seen[0].placeholder));
  EXPECT_FALSE(at::equal(one.seen[0].tokens, other.seen[0].tokens));
  x = x + 1;
  EXPECT_FALSE(at::equal(one.seen[0].placeholder, Run(r).seen[0].placeholder));
}

TEST_F(MmagicTest, ABatchOfTwoEqualsTwoBatchesOfOne) {
  const auto both = Run(r).predicted;
  for (int64_t i = 0; i < 2; ++i) {
    const auto row = [&](const torch::Tensor& v) { return v.narrow(0, i, 1); };
    const auto features = RunReference(unet, sites, row(r), row(t), row(text), {});
    const auto one = RunTarget(unet, adapter, {.dialect = Dialect::kMmagic}, features, row(x),
                               row(t), row(text), {row(positions.placeholder), row(positions.end)});
    EXPECT_LT((one.predicted - row(both)).abs().max().item<double>(), 1e-5);
  }
}

TEST(OtsuMaskTest, DoesNotChangeUnderScaleAndShift) {
  at::manual_seed(1);
  const auto s = at::rand({3, 64}, at::kDouble);
  EXPECT_TRUE(at::equal(OtsuMask(s), OtsuMask(s * 0.25)));
  EXPECT_TRUE(at::equal(OtsuMask(s.to(at::kFloat)), OtsuMask(s.to(at::kFloat) * 4)));
}

// Values and thresholds of the authors' otsu().
TEST(OtsuMaskTest, TakesTheFirstOfTheBestThresholds) {
  const auto mask = [](const std::vector<double>& map) {
    const auto found = OtsuMask(at::tensor(map, at::kFloat).unsqueeze(0))[0];
    std::string bits;
    for (int64_t i = 0; i < found.size(0); ++i) bits += found[i].item<bool>() ? '1' : '0';
    return bits;
  };
  EXPECT_EQ(mask({0, .1, .15, .2, .22, .8, .9, 1}), "00000111");
  EXPECT_EQ(mask({1, 1, 1, 1, 5}), "00001");
  EXPECT_EQ(mask({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), "00000111111");  // 0.5 and 0.6 are as good
}

TEST(OtsuMaskTest, AConstantMapIsAllForeground) {
  EXPECT_TRUE(OtsuMask(at::full({2, 16}, 0.3)).all().item<bool>());
}

TEST(AdapterTest, StartsTheSameForTheSameSeedOnly) {
  const std::vector<TransformerSite> transformers = {{"up_blocks.0.attentions.0", 16, 2}};
  const auto start = [&](uint64_t seed) {
    return Adapter(transformers, std::vector<int64_t>{0}, 8, seed, BlockStart::kDefault)
        ->NamedTensors()
        .at("up_blocks.0.attentions.0.image_cross_attention.attn1.to_q.weight");
  };
  EXPECT_TRUE(at::equal(start(1), start(1)));
  EXPECT_FALSE(at::equal(start(1), start(2)));
}

TEST(AdapterTest, HasTwentyTensorsPerSiteAndTheExpectedParameterCount) {
  const std::vector<TransformerSite> transformers = {{"a", 16, 2}, {"b", 64, 8}};
  Adapter adapter(transformers, std::vector<int64_t>{1}, 8, 0, BlockStart::kDefault);
  EXPECT_EQ(adapter->NamedTensors().size(), 21u);
  int64_t count = 0;
  for (const auto& p : adapter->BlockParameters()) count += p.numel();
  EXPECT_EQ(count, 20 * 64 * 64 + 17 * 64);
}

}  // namespace
}  // namespace vico::worker
