#include "worker/diffusion/sample.h"

#include <vector>

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

class SampleTest : public testing::Test {
 protected:
  // The loop with a network that predicts zero noise and keeps its timesteps.
  at::Tensor Run(const OnSampleStep& on_step) {
    return Sample(
        [this](const at::Tensor& x, double timestep) {
          timesteps_.push_back(timestep);
          return at::zeros_like(x);
        },
        *scheduler_, {.noise = noise_}, {}, on_step);
  }

  const Schedule schedule_{ScheduleConfig{}};
  const std::unique_ptr<Scheduler> scheduler_ = MakeScheduler("ddim", schedule_, 4, 0);
  const at::Tensor noise_ = at::full({2, 1, 1, 1}, 0.5);
  std::vector<double> timesteps_;
};

TEST_F(SampleTest, CallsTheNetworkAtEveryTimestep) {
  const auto latents = Run({});

  EXPECT_EQ(timesteps_, scheduler_->timesteps());
  EXPECT_EQ(latents.sizes(), noise_.sizes());
}

TEST_F(SampleTest, ReportsEachStepWithItsPredictionOfTheFinishedLatents) {
  std::vector<int64_t> steps;
  at::Tensor last;
  const auto latents = Run([&](const SampleStep& done) {
    EXPECT_EQ(done.total, 4);
    steps.push_back(done.step);
    last = done.original();
    return true;
  });

  EXPECT_EQ(steps, (std::vector<int64_t>{1, 2, 3, 4}));
  // The network predicts no noise, so every step predicts the same x_0. DDIM ends at timestep 0,
  // where x is x_0 times the square root of an alpha slightly below 1.
  EXPECT_LT((latents - last).abs().max().item<double>(), 1e-2);
}

TEST_F(SampleTest, BeginsAtTheFirstStepThatIsNotLeftOut) {
  for (const char* name : {"ddim", "heun"}) {
    const auto scheduler = MakeScheduler(name, schedule_, 4, 0);
    std::vector<double> called;
    std::vector<int64_t> steps;
    const auto predict = [&](const at::Tensor& x, double timestep) {
      called.push_back(timestep);
      return at::zeros_like(x);
    };
    const SampleStart start = {
        .noise = noise_, .original = at::zeros_like(noise_), .skipped_steps = 3};
    Sample(predict, *scheduler, start, {}, [&](const SampleStep& done) {
      steps.push_back(done.step);
      EXPECT_EQ(done.total, 1) << name;
      return true;
    });
    EXPECT_EQ(called, std::vector{scheduler->timesteps().back()}) << name;
    EXPECT_EQ(steps, std::vector<int64_t>{1}) << name;
  }
}

TEST_F(SampleTest, KeepsTheOriginalWhereNothingIsRedrawn) {
  const auto original = at::full({1, 1, 1, 2}, 0.25);
  const SampleStart start = {.noise = at::full({1, 1, 1, 2}, 0.5),
                             .original = original,
                             .redrawn = at::tensor({0.0F, 1.0F}).unsqueeze(0)};
  const auto predict = [](const at::Tensor& x, double) { return at::ones_like(x); };
  const auto latents = Sample(predict, *scheduler_, start, {}, {});
  EXPECT_EQ(latents[0][0][0][0].item<double>(), 0.25);
  EXPECT_NE(latents[0][0][0][1].item<double>(), 0.25);
}

TEST_F(SampleTest, FalseStopsTheLoop) {
  const auto latents = Run([](const SampleStep& done) { return done.step < 2; });

  EXPECT_FALSE(latents.defined());
  EXPECT_EQ(timesteps_.size(), 2u);
}

}  // namespace
}  // namespace vico::worker
