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

TEST_F(SampleTest, FalseStopsTheLoop) {
  const auto latents = Run([](const SampleStep& done) { return done.step < 2; });

  EXPECT_FALSE(latents.defined());
  EXPECT_EQ(timesteps_.size(), 2u);
}

}  // namespace
}  // namespace vico::worker
