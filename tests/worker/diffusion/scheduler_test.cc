// Properties of the schedulers; tests/golden compares them with diffusers.
#include "worker/diffusion/scheduler.h"

#include <cmath>

#include <gtest/gtest.h>

#include "common/schedulers.h"

namespace vico::worker {
namespace {

const StepNoise kZeros = [](int64_t) { return at::zeros({1, 1, 1, 1}); };

TEST(ScheduleTest, HasStableDiffusionsAlphas) {  // in float64, from the published betas
  const Schedule schedule{ScheduleConfig{}};
  EXPECT_NEAR(schedule.AlphaBar(0), 0.999150000000, 1e-12);
  EXPECT_NEAR(schedule.AlphaBar(501), 0.274999066850, 1e-11);
  EXPECT_NEAR(schedule.AlphaBar(999), 0.004660098513, 1e-12);
}

// Computed by diffusers' compute_snr and the formula of its training scripts, gamma 5.
TEST(ScheduleTest, MinSnrWeightsAreThoseOfDiffusersTrainingScripts) {
  const auto t = at::tensor({0, 100, 500, 999}, at::kLong);
  const auto close = [&](const std::string& prediction, const std::vector<double>& wanted) {
    ScheduleConfig config;
    config.prediction_type = prediction;
    const auto weights = Schedule(config).MinSnrWeights(t, 5);
    EXPECT_LT((weights - at::tensor(wanted, at::kDouble)).abs().max().item<double>(), 1e-6)
        << prediction << " " << weights;
  };
  close("epsilon", {0.00425361563, 0.591443419, 1, 1});
  close("v_prediction", {0.00425000023, 0.528882623, 0.276332676, 0.00466009835});
}

TEST(ScheduleTest, MinSnrWeightsOfATimestepWithoutSignalAreFinite) {
  ScheduleConfig config;
  config.rescale_betas_zero_snr = true;
  const auto last = at::tensor({999}, at::kLong);
  EXPECT_EQ(Schedule(config).MinSnrWeights(last, 5).item<double>(), 1);
  config.prediction_type = "v_prediction";
  EXPECT_EQ(Schedule(config).MinSnrWeights(last, 5).item<double>(), 0);
}

TEST(ScheduleTest, RefusesAnUnknownBetaSchedule) {
  ScheduleConfig config;
  config.beta_schedule = "sigmoid";
  EXPECT_THROW(Schedule{config}, c10::Error);
}

TEST(DdimTest, TakesTheStepsOfTheDefinition) {  // scalar x = 0.7, noise -0.3, 50 steps
  const Schedule schedule{ScheduleConfig{}};
  const auto ddim = MakeDdim(schedule, 50, 0);
  ASSERT_EQ(ddim->timesteps().size(), 50u);
  EXPECT_EQ(ddim->timesteps().front(), 981);
  EXPECT_EQ(ddim->timesteps().back(), 1);
  const auto step = [&](int64_t index) {
    return ddim
        ->Step(at::full({1, 1, 1, 1}, -0.3, at::kDouble), index,
               at::full({1, 1, 1, 1}, 0.7, at::kDouble), kZeros)
        .item<double>();
  };
  EXPECT_NEAR(step(0), 0.8229717926, 1e-9);
  EXPECT_NEAR(step(24), 0.7511520298, 1e-9);
  EXPECT_NEAR(step(49), 0.7039419635, 1e-9);
}

// With a network that always knows the picture, every scheduler must reach it, and every prediction
// on the way must be the picture, too.
TEST(SchedulerTest, AKnownPictureIsReached) {
  const Schedule schedule{ScheduleConfig{}};
  const auto x0 = at::full({1, 1, 1, 1}, 0.37, at::kDouble);
  for (const auto name : kSchedulerNames) {
    const auto scheduler = MakeScheduler(name, schedule, 20, 0);
    auto x = at::full({1, 1, 1, 1}, -1.2, at::kDouble) * scheduler->start_scale();
    for (size_t i = 0; i < scheduler->timesteps().size(); ++i) {
      const auto index = static_cast<int64_t>(i);
      // The prediction of x_0 is linear in the output, so two outputs determine the one that gives
      // x_0.
      const auto at_zero = scheduler->Original(at::zeros_like(x), index, x);
      const auto at_one = scheduler->Original(at::ones_like(x), index, x);
      const auto noise = (at_zero - x0) / (at_zero - at_one);
      EXPECT_NEAR(scheduler->Original(noise, index, x).item<double>(), 0.37, 1e-9) << name;
      x = scheduler->Step(noise, index, x, kZeros);
    }
    EXPECT_NEAR(x.item<double>(), 0.37, 0.06) << name;  // DDIM stops at the first alpha, not at 1
  }
}

TEST(SchedulerTest, TheNumberOfNetworkCallsIsAsExpected) {
  const Schedule schedule{ScheduleConfig{}};
  for (const auto name : kSchedulerNames) {
    const size_t calls = MakeScheduler(name, schedule, 20, 0)->timesteps().size();
    EXPECT_EQ(calls, name == "heun" ? 39u : name == "pndm" ? 21u : 20u) << name;
  }
}

TEST(SchedulerTest, RefusesUnknownNamesAndStepCounts) {
  const Schedule schedule{ScheduleConfig{}};
  EXPECT_THROW(MakeScheduler("plms", schedule, 20, 0), c10::Error);
  EXPECT_THROW(MakeScheduler("ddim", schedule, 0, 0), c10::Error);
  EXPECT_THROW(MakeScheduler("ddim", schedule, 1001, 0), c10::Error);
  EXPECT_THROW(MakeScheduler("lcm", schedule, 51, 0), c10::Error);
  EXPECT_THROW(MakeScheduler("unipc", schedule, 1000, 0), c10::Error);
}

}  // namespace
}  // namespace vico::worker
