// Rows of different jobs in one call of the network.
#include "worker/personalize/guided_network.h"

#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "tests/worker/loaded_tiny_base.h"

namespace vico::worker {
namespace {

constexpr int64_t kSide = 16;

class GuidedNetworkTest : public testing::Test {
 protected:
  GuidedNetworkTest() {
    at::manual_seed(3);
    for (Personalization* personal : {&one_, &other_}) {
      const auto seed = static_cast<uint64_t>(personal == &one_ ? 1 : 2);
      personal->adapter = Adapter(base_.unet->transformers(), base_.sites(),
                                  base_.text->config().hidden_size, seed, BlockStart::kDefault);
      personal->reference = at::randn({1, base_.unet->config().in_channels, kSide, kSide});
    }
  }

  GuidedPrompt Encode(Personalization* personal, const std::string& prompt, double scale) {
    return EncodeGuidedPrompt(base_, personal, prompt, "a red car", "S*", scale);
  }

  torch::Tensor Predict(const torch::Tensor& latent, const std::vector<GuidedRow>& rows) {
    const at::NoGradGuard no_grad;
    return GuidedNetwork(base_, 2 * static_cast<int64_t>(rows.size()))(latent, rows);
  }

  Base base_ = LoadTinyBase();
  Personalization one_, other_;
};

TEST_F(GuidedNetworkTest, ARowsPredictionDoesNotDependOnTheOtherRows) {
  const GuidedPrompt beach = Encode(&one_, "a photo of S* on the beach", 7.5);
  const GuidedPrompt snow = Encode(&one_, "a photo of S* in the snow", 1);
  const GuidedPrompt theirs = Encode(&other_, "a photo of S* on the beach", 3);
  const GuidedPrompt bare = Encode(nullptr, "a photo of a robot", 5);
  const std::vector<GuidedRow> rows = {
      {.personal = &one_, .prompt = &beach, .guidance_scale = 7.5, .timestep = 801},
      {.personal = &other_, .prompt = &theirs, .guidance_scale = 3, .timestep = 601},
      {.prompt = &bare, .guidance_scale = 5, .timestep = 20.5},
      {.personal = &one_, .prompt = &snow, .guidance_scale = 1, .timestep = 801},
      {.personal = &one_, .prompt = &beach, .guidance_scale = 2, .timestep = 401},
      {.personal = &one_,
       .prompt = &beach,
       .guidance_scale = 7.5,
       .mask = KeyMask::kNone,
       .timestep = 801},
      {.personal = &one_, .prompt = &beach, .strength = 0, .timestep = 801},
      {.personal = &one_, .prompt = &beach, .strength = 1.5, .timestep = 801},
  };
  const auto count = static_cast<int64_t>(rows.size());
  const auto latent = at::randn({count, base_.unet->config().in_channels, kSide, kSide});

  const auto together = Predict(latent, rows);

  ASSERT_EQ(together.sizes(), latent.sizes());
  for (int64_t i = 0; i < count; ++i) {
    const auto alone = Predict(latent.narrow(0, i, 1), {rows[static_cast<size_t>(i)]});
    EXPECT_LT((alone[0] - together[i]).abs().max().item<double>(), 1e-4) << "row " << i;
  }
}

TEST_F(GuidedNetworkTest, AdaptersOfBothDialectsAndWithOtherSitesShareABatch) {
  Personalization mmagic = {.dialect = Dialect::kMmagic, .reference = one_.reference};
  mmagic.adapter = Adapter(base_.unet->transformers(), base_.sites(Dialect::kMmagic),
                           base_.text->config().hidden_size, 3, BlockStart::kDefault);
  Personalization one_site = {.reference = other_.reference};
  one_site.adapter = Adapter(base_.unet->transformers(), std::vector<int64_t>{base_.sites().back()},
                             base_.text->config().hidden_size, 4, BlockStart::kDefault);
  std::vector<GuidedPrompt> prompts;
  for (Personalization* const personal : {&one_, &mmagic, &one_site, &other_}) {
    prompts.push_back(Encode(personal, "a photo of S* on the beach", 7.5));
  }
  const std::vector<GuidedRow> rows = {
      {.personal = &one_, .prompt = &prompts[0], .timestep = 801},
      {.personal = &mmagic, .prompt = &prompts[1], .timestep = 601},
      {.personal = &one_site, .prompt = &prompts[2], .timestep = 401},
      {.personal = &mmagic, .prompt = &prompts[1], .timestep = 201},
      {.personal = &other_, .prompt = &prompts[3], .timestep = 801},
  };
  base_.threads = 2;  // the parts of a batch cut through the rows of an adapter
  const auto count = std::ssize(rows);
  const auto latent = at::randn({count, base_.unet->config().in_channels, kSide, kSide});

  const auto together = Predict(latent, rows);

  for (int64_t i = 0; i < count; ++i) {
    const auto alone = Predict(latent.narrow(0, i, 1), {rows[static_cast<size_t>(i)]});
    EXPECT_LT((alone[0] - together[i]).abs().max().item<double>(), 1e-4) << "row " << i;
  }
}

TEST_F(GuidedNetworkTest, EveryFieldOfARowChangesThePrediction) {
  const GuidedPrompt beach = Encode(&one_, "a photo of S* on the beach", 7.5);
  const GuidedPrompt snow = Encode(&one_, "a photo of S* in the snow", 7.5);
  const GuidedRow row = {.personal = &one_, .prompt = &beach, .timestep = 801};
  std::vector<GuidedRow> rows(7, row);
  rows[1].personal = &other_;
  rows[2].prompt = &snow;
  rows[3].guidance_scale = 3;
  rows[4].timestep = 401;
  rows[5].mask = KeyMask::kNone;
  rows[6].strength = 0.5;
  const auto latent =
      at::randn({1, base_.unet->config().in_channels, kSide, kSide}).repeat({7, 1, 1, 1});

  const auto predicted = Predict(latent, rows);

  for (int64_t i = 1; i < 7; ++i) {
    EXPECT_GT((predicted[i] - predicted[0]).abs().max().item<double>(), 1e-4) << "row " << i;
  }
}

}  // namespace
}  // namespace vico::worker
