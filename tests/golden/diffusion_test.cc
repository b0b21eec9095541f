// Schedule, schedulers and resizing against diffusers and Pillow; recorded by record_diffusion.py.
#include <gtest/gtest.h>

#include "tests/golden/tensors.h"
#include "worker/diffusion/schedule.h"
#include "worker/diffusion/scheduler.h"
#include "worker/io/resize.h"

namespace vico {
namespace {

using golden::Load;
using golden::Near;

TensorMap& Recorded() {
  static auto* tensors = new TensorMap(Load("io/diffusion.safetensors"));
  return *tensors;
}

TEST(DiffusionGolden, AlphaBarEqualsDiffusers) {
  const Schedule schedule({});
  const auto expected = Recorded()["forward.alphas_cumprod"];
  for (int64_t t = 0; t < 1000; ++t) {
    ASSERT_NEAR(schedule.AlphaBar(t), expected[t].item<double>(), 2e-6) << t;
  }
  EXPECT_NEAR(schedule.AlphaBar(981), 0.005775500139, 1e-12);  // from the definition, in float64
  EXPECT_NEAR(schedule.AlphaBar(501), 0.274999066850, 1e-12);
}

TEST(DiffusionGolden, ForwardProcessEqualsDiffusers) {
  const Schedule schedule({});
  auto& r = Recorded();
  EXPECT_TRUE(Near(schedule.AddNoise(r["forward.x0"], r["forward.noise"], r["forward.t"]),
                   r["forward.noisy"], 1e-5));
  ScheduleConfig config;
  config.prediction_type = "v_prediction";
  EXPECT_TRUE(Near(Schedule(config).Target(r["forward.x0"], r["forward.noise"], r["forward.t"]),
                   r["forward.v"], 1e-5));
}

struct Recording {
  const char* name;
  const char* scheduler;
  ScheduleConfig config;
  double eta = 0;
};
void PrintTo(const Recording& run, std::ostream* out) { *out << run.name; }

class SchedulerGolden : public ::testing::TestWithParam<Recording> {};

TEST_P(SchedulerGolden, WholeRunEqualsDiffusers) {
  const Recording& run = GetParam();
  const auto get = [&](const char* key) { return Recorded()[std::string(run.name) + "." + key]; };
  const auto expected = get("timesteps");
  const auto outputs = get("outputs");
  const auto noises = get("noises");
  const auto states = get("states");

  const Schedule schedule(run.config);
  const auto scheduler = MakeScheduler(run.scheduler, schedule, expected.numel(), run.eta);
  ASSERT_EQ(scheduler->timesteps(),
            std::vector<int64_t>(expected.data_ptr<int64_t>(),
                                 expected.data_ptr<int64_t>() + expected.numel()));
  auto x = get("start");
  for (int64_t i = 0; i < expected.numel(); ++i) {
    x = scheduler->Step(outputs[i], i, x, [&](int64_t index) { return noises[index]; });
    const double size = std::max(1.0, states[i].abs().max().item<double>());
    ASSERT_TRUE(Near(x, states[i], 1e-4 * size)) << "step " << i;
  }
}

Recording VPrediction() {
  Recording run{"ddim_v", "ddim", {}, 0};
  run.config.prediction_type = "v_prediction";
  return run;
}
Recording AlphaToOne() {
  Recording run{"ddim_one", "ddim", {}, 0};
  run.config.set_alpha_to_one = true;
  run.config.steps_offset = 0;
  return run;
}
Recording Linear() {
  Recording run{"dpmsolver_linear", "dpmsolver++", {}, 0};
  run.config.beta_schedule = "linear";
  run.config.beta_start = 1e-4;
  run.config.beta_end = 0.02;
  return run;
}
INSTANTIATE_TEST_SUITE_P(Runs, SchedulerGolden,
                         ::testing::Values(Recording{"ddim", "ddim", {}, 0},
                                           Recording{"ddim_eta", "ddim", {}, 0.8}, VPrediction(),
                                           AlphaToOne(), Recording{"ddpm", "ddpm", {}, 0},
                                           Recording{"dpmsolver", "dpmsolver++", {}, 0},
                                           Recording{"dpmsolver_few", "dpmsolver++", {}, 0},
                                           Linear()),
                         [](const auto& info) { return std::string(info.param.name); });

// Values from the definition, in float64.
TEST(DiffusionGolden, DdimStepOfScalars) {
  const Schedule schedule({});
  const auto scheduler = MakeDdim(schedule, 50, 0);
  const auto x = torch::full({1}, 0.7, torch::kFloat64);
  const auto output = torch::full({1}, -0.3, torch::kFloat64);
  const auto step = [&](int64_t index) {
    return scheduler->Step(output, index, x, nullptr).item<double>();
  };
  ASSERT_EQ(scheduler->timesteps()[0], 981);
  ASSERT_EQ(scheduler->timesteps()[24], 501);
  ASSERT_EQ(scheduler->timesteps()[49], 1);
  EXPECT_NEAR(step(0), 0.8229717926, 1e-9);
  EXPECT_NEAR(step(24), 0.7511520298, 1e-9);
  EXPECT_NEAR(step(49), 0.7039419635, 1e-9);
}

class ResizeGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(ResizeGolden, EveryByteEqualsPillow) {
  auto& r = Recorded();
  const auto picture = r["resize.picture"].contiguous();  // [H, W, 3]
  const auto expected = r["resize." + std::string(GetParam())].contiguous();
  const auto resized =
      ResizeBicubic({picture.data_ptr<uint8_t>(), static_cast<size_t>(picture.numel())},
                    static_cast<int>(picture.size(1)), static_cast<int>(picture.size(0)),
                    static_cast<int>(expected.size(1)), static_cast<int>(expected.size(0)));
  ASSERT_EQ(resized.size(), static_cast<size_t>(expected.numel()));
  EXPECT_TRUE(std::equal(resized.begin(), resized.end(), expected.data_ptr<uint8_t>()));
}
INSTANTIATE_TEST_SUITE_P(Sizes, ResizeGolden, ::testing::Values("down", "up", "mixed", "wide"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace vico
