// Generations with several starts and strengths on the tiny base model. tests/golden compares runs
// that start from a picture with diffusers.
#include "worker/personalize/generator.h"

#include <vector>

#include <gtest/gtest.h>

#include "common/schedulers.h"
#include "tests/worker/loaded_tiny_base.h"

namespace vico::worker {
namespace {

double Difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class GeneratorTest : public testing::Test {
 protected:
  GeneratorTest() {
    at::manual_seed(7);
    options_.prompt = "a photo of S* on the beach";
    options_.steps = 4;
    options_.height = options_.width = 64;
    options_.seeds = {5};
    personal_.adapter = Adapter(base_.unet->transformers(), base_.sites(),
                                base_.text->config().hidden_size, 1, BlockStart::kDefault);
    personal_.reference = at::randn({1, base_.unet->config().in_channels, 16, 16});
    picture_ = at::rand({3, 64, 64});
  }

  std::vector<torch::Tensor> Draw(Personalization* with) {
    std::vector<torch::Tensor> drawn(options_.seeds.size());
    GenerateObserver observer;
    observer.on_step = [&](int64_t step, int64_t total) {
      steps_.emplace_back(step, total);
      return true;
    };
    observer.on_picture = [&](size_t i, const torch::Tensor& image) { drawn[i] = image.clone(); };
    EXPECT_TRUE(GeneratePictures(base_, with, options_, observer));
    return drawn;
  }

  Base base_ = LoadTinyBase();
  Personalization personal_;
  GenerateOptions options_;
  torch::Tensor picture_;
  std::vector<std::pair<int64_t, int64_t>> steps_;
};

TEST_F(GeneratorTest, WithStrengthZeroOnlyTheLearnedWordActs) {
  options_.strength = 0;
  const auto word_only = Draw(&personal_)[0];
  Personalization without_blocks = personal_;
  without_blocks.adapter = Adapter(base_.unet->transformers(), base_.sites(),
                                   base_.text->config().hidden_size, 1, BlockStart::kZero);
  without_blocks.adapter->placeholder().detach().copy_(personal_.adapter->placeholder());
  options_.strength = 1;
  EXPECT_LT(Difference(word_only, Draw(&without_blocks)[0]), 1e-4);
  EXPECT_GT(Difference(word_only, Draw(&personal_)[0]), 1e-4);
}

TEST_F(GeneratorTest, DenoiseIsTheShareOfTheStepsThatRun) {
  options_.init = InitPicture{.image01 = picture_, .denoise = 0.5};
  Draw(&personal_);
  EXPECT_EQ(steps_, (std::vector<std::pair<int64_t, int64_t>>{{1, 2}, {2, 2}}));
}

TEST_F(GeneratorTest, TheInitPictureMattersMoreWithLessDenoise) {
  const auto other = at::rand({3, 64, 64});
  const auto spread = [&](double denoise) {
    options_.init = InitPicture{.image01 = picture_, .denoise = denoise};
    const auto one = Draw(&personal_)[0];
    options_.init->image01 = other;
    return (one - Draw(&personal_)[0]).abs().mean().item<double>();
  };
  EXPECT_GT(spread(0.25), spread(1.0));
}

TEST_F(GeneratorTest, ASeedsPictureDoesNotDependOnOtherSeedsFromAPicture) {
  auto redrawn = at::zeros({64, 64}, at::kBool);
  redrawn.narrow(0, 0, 32).fill_(true);
  for (const SchedulerInfo& scheduler : kSchedulers) {
    if (!scheduler.takes_init_picture) continue;
    options_.scheduler = scheduler.name;
    options_.eta = 0.5;
    options_.init = InitPicture{.image01 = picture_, .denoise = 0.8, .redrawn = redrawn};
    options_.seeds = {5, 6, 7};
    const auto three = Draw(&personal_);
    options_.seeds = {6};
    const auto one = Draw(&personal_);
    EXPECT_LT(Difference(three[1], one[0]), 1e-4) << scheduler.name;
    EXPECT_GT(Difference(three[0], one[0]), 1e-2) << scheduler.name;
  }
}

TEST_F(GeneratorTest, AnEmptyMaskKeepsTheWholeLatent) {
  options_.init =
      InitPicture{.image01 = picture_, .denoise = 1, .redrawn = at::zeros({64, 64}, at::kBool)};
  const auto kept = Draw(&personal_)[0];
  options_.prompt = "a red car";
  EXPECT_EQ(Difference(kept, Draw(&personal_)[0]), 0);
}

TEST_F(GeneratorTest, AFullMaskWithAllStepsIsAPictureFromNoise) {
  const auto from_noise = Draw(&personal_)[0];
  options_.init =
      InitPicture{.image01 = picture_, .denoise = 1, .redrawn = at::ones({64, 64}, at::kBool)};
  EXPECT_LT(Difference(from_noise, Draw(&personal_)[0]), 1e-5);
}

TEST_F(GeneratorTest, RefusesSoLittleDenoiseThatNoStepRuns) {
  options_.init = InitPicture{.image01 = picture_, .denoise = 0.2};
  EXPECT_THROW(GeneratePictures(base_, nullptr, options_, {}), c10::Error);
}

}  // namespace
}  // namespace vico::worker
