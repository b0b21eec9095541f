// Features of references kept across calls and prompts.
#include "worker/personalize/reference_cache.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/worker/loaded_tiny_base.h"
#include "worker/personalize/guided_network.h"

namespace vico::worker {
namespace {

constexpr int64_t kReferenceSide = 16;

// One site of 10 fp32 numbers: 40 bytes.
std::vector<SiteFeatures> Features(double value) { return {{at::full({1, 2, 5}, value), {}, {}}}; }

double ValueOf(const std::shared_ptr<const std::vector<SiteFeatures>>& features) {
  return features == nullptr ? -1 : features->front().tokens[0][0][0].item<double>();
}

TEST(ReferenceCacheTest, TheLeastRecentlyUsedMakesRoom) {
  ReferenceCache cache(100);
  cache.Put("a", Features(1));
  cache.Put("b", Features(2));
  const ReferenceCache::Loop loop(cache);
  EXPECT_EQ(ValueOf(cache.Find("a")), 1);

  cache.Put("c", Features(3));

  EXPECT_EQ(ValueOf(cache.Find("a")), 1);
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_EQ(ValueOf(cache.Find("c")), 3);
  EXPECT_EQ(cache.bytes(), 80);
}

TEST(ReferenceCacheTest, ALoopKeepsItsFirstFeaturesWhenNotAllFit) {
  ReferenceCache cache(100);
  for (int i = 0; i < 2; ++i) {
    const ReferenceCache::Loop loop(cache);
    for (const std::string key : {"1", "2", "3"}) {
      if (cache.Find(key) == nullptr) cache.Put(key, Features(std::stod(key)));
    }
    EXPECT_EQ(ValueOf(cache.Find("1")), 1);
    EXPECT_EQ(ValueOf(cache.Find("2")), 2);
    EXPECT_EQ(cache.Find("3"), nullptr);
  }
}

TEST(ReferenceCacheTest, ALaterLoopTakesNothingFromOneThatRuns) {
  ReferenceCache cache(100);
  auto first = std::make_unique<ReferenceCache::Loop>(cache);
  cache.Put("a", Features(1));
  const ReferenceCache::Loop second(cache);
  cache.Put("b", Features(2));

  cache.Put("c", Features(3));
  EXPECT_EQ(cache.Find("c"), nullptr);
  first.reset();
  cache.Put("c", Features(3));

  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(ValueOf(cache.Find("b")), 2);
  EXPECT_EQ(ValueOf(cache.Find("c")), 3);
}

TEST(ReferenceCacheTest, AKeyThatIsThereKeepsItsFeatures) {
  ReferenceCache cache(100);
  cache.Put("a", Features(1));
  cache.Put("a", Features(2));
  EXPECT_EQ(ValueOf(cache.Find("a")), 1);
  EXPECT_EQ(cache.bytes(), 40);
}

TEST(ReferenceCacheTest, FeaturesThatAreTooLargeAreNotKept) {
  ReferenceCache cache(39);
  cache.Put("a", Features(1));
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.bytes(), 0);
}

class CachedReferencesTest : public testing::TestWithParam<Dialect> {
 protected:
  CachedReferencesTest() {
    at::manual_seed(3);
    base_.threads = 2;  // a thread for each half of the guidance
    const auto sites = base_.sites(GetParam());
    personal_.adapter = Adapter(base_.unet->transformers(), sites, base_.text->config().hidden_size,
                                1, BlockStart::kDefault);
    personal_.dialect = GetParam();
    personal_.reference =
        at::randn({1, base_.unet->config().in_channels, kReferenceSide, kReferenceSide});
    latent_ = at::randn({2, base_.unet->config().in_channels, kReferenceSide, kReferenceSide});
  }

  torch::Tensor Predict(const std::string& text, double timestep = 801) {
    const at::NoGradGuard no_grad;
    const GuidedPrompt prompt =
        EncodeGuidedPrompt(base_, &personal_, text, "a red car", "S*", /*guidance_scale=*/7.5);
    const GuidedRow row = {.personal = &personal_, .prompt = &prompt, .timestep = timestep};
    return GuidedNetwork(base_, 4)(latent_, std::vector<GuidedRow>(2, row));
  }

  void UseCache(int64_t most_bytes) {
    personal_.cache = std::make_shared<ReferenceCache>(most_bytes);
  }

  Base base_ = LoadTinyBase();
  Personalization personal_;
  torch::Tensor latent_;
};

TEST_P(CachedReferencesTest, PredictionsHaveTheBitsOfThoseWithoutACache) {
  const auto wanted = Predict("a photo of S* on the beach");
  for (const int64_t most_bytes : {int64_t{1} << 30, int64_t{0}}) {
    UseCache(most_bytes);
    EXPECT_TRUE(Predict("a photo of S* on the beach").equal(wanted));
    EXPECT_TRUE(Predict("a photo of S* on the beach").equal(wanted)) << "the second time";
  }
}

TEST_P(CachedReferencesTest, WhatIsKeptIsRead) {
  UseCache(1 << 30);
  const auto before = Predict("a photo of S* on the beach");
  const int64_t bytes = personal_.cache->bytes();
  personal_.reference = personal_.reference + 1;  // the name stays, so that nothing is read anew
  EXPECT_TRUE(Predict("a photo of S* on the beach").equal(before));
  EXPECT_EQ(personal_.cache->bytes(), bytes);
}

TEST_P(CachedReferencesTest, AnotherTimestepOrNameIsReadAnew) {
  UseCache(1 << 30);
  Predict("a photo of S* on the beach");
  const int64_t one = personal_.cache->bytes();
  Predict("a photo of S* on the beach", 401);
  EXPECT_EQ(personal_.cache->bytes(), 2 * one);
  personal_.name = "another";
  Predict("a photo of S* on the beach");
  EXPECT_EQ(personal_.cache->bytes(), 3 * one);
}

TEST_P(CachedReferencesTest, PromptsShareTheUnconditionalHalfWhenItReadsTheSameColumn) {
  UseCache(1 << 30);
  Predict("a photo of S* on the beach");
  const int64_t one = personal_.cache->bytes();
  Predict("a photo of S* in the snow");
  EXPECT_EQ(2 * personal_.cache->bytes(), 3 * one);
  Predict("S* in the snow");  // S* is elsewhere; mmagic's dialect reads no map of the reference
  EXPECT_EQ(2 * personal_.cache->bytes(), (GetParam() == Dialect::kPaper ? 5 : 4) * one);
}

INSTANTIATE_TEST_SUITE_P(Dialects, CachedReferencesTest,
                         testing::Values(Dialect::kPaper, Dialect::kMmagic), [](const auto& info) {
                           return info.param == Dialect::kPaper ? "Paper" : "Mmagic";
                         });

}  // namespace
}  // namespace vico::worker
