// Schedulers by their own properties; tests/golden compares them with the reference.
#include "worker/diffusion/scheduler.h"

#include <cmath>

#include <gtest/gtest.h>

namespace vico {
namespace {

const StepNoise kZeros = [](int64_t) { return at::zeros({1, 1, 1, 1}); };

TEST(ScheduleTest, HasStableDiffusionsAlphas) {  // in float64, from the published betas
  const Schedule schedule{ScheduleConfig{}};
  EXPECT_NEAR(schedule.AlphaBar(0), 0.999150000000, 1e-12);
  EXPECT_NEAR(schedule.AlphaBar(501), 0.274999066850, 1e-11);
  EXPECT_NEAR(schedule.AlphaBar(999), 0.004660098513, 1e-12);
  EXPECT_EQ(schedule.AlphaBar(-1), schedule.AlphaBar(0));
}

TEST(ScheduleTest, RefusesWhatItDoesNotKnow) {
  ScheduleConfig config;
  config.beta_schedule = "squaredcos_cap_v2";
  EXPECT_THROW(Schedule{config}, c10::Error);
}

TEST(DdimTest, TakesThePublishedSteps) {  // scalar x = 0.7, noise -0.3, 50 steps
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

// A network that always knows the noise must lead every scheduler to the picture.
TEST(SchedulerTest, AKnownNoiseLeadsToThePicture) {
  const Schedule schedule{ScheduleConfig{}};
  const auto x0 = at::full({1, 1, 1, 1}, 0.37, at::kDouble);
  for (const auto name : SchedulerNames()) {
    const auto scheduler = MakeScheduler(name, schedule, 20, 0);
    auto x = at::full({1, 1, 1, 1}, -1.2, at::kDouble);
    for (size_t i = 0; i < scheduler->timesteps().size(); ++i) {
      const double a = schedule.AlphaBar(scheduler->timesteps()[i]);
      const auto noise = (x - x0 * std::sqrt(a)) / std::sqrt(1 - a);
      x = scheduler->Step(noise, static_cast<int64_t>(i), x, kZeros);
    }
    EXPECT_NEAR(x.item<double>(), 0.37, 0.06) << name;  // DDIM stops at the first alpha, not at 1
  }
}

TEST(SchedulerTest, RefusesUnknownNamesAndStepCounts) {
  const Schedule schedule{ScheduleConfig{}};
  EXPECT_THROW(MakeScheduler("plms", schedule, 20, 0), c10::Error);
  EXPECT_THROW(MakeScheduler("ddim", schedule, 0, 0), c10::Error);
  EXPECT_THROW(MakeScheduler("ddim", schedule, 1001, 0), c10::Error);
}

}  // namespace
}  // namespace vico
