// Compares schedule, schedulers and resizing with diffusers and Pillow; recorded by
// record_diffusion.py.
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/schedulers.h"
#include "tests/golden/files.h"
#include "tests/golden/tensors.h"
#include "worker/base_model/schedule_config.h"
#include "worker/diffusion/schedule.h"
#include "worker/diffusion/scheduler.h"
#include "worker/io/resize.h"

namespace vico {

using worker::MakeDdim;
using worker::MakeScheduler;
using worker::ParseScheduleConfig;
using worker::ResizeBicubic;
using worker::Schedule;
using worker::ScheduleConfig;
using worker::Scheduler;
using worker::TensorMap;

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

/// The formula that the recorder uses in place of a network.
torch::Tensor Network(const torch::Tensor& x, double t, int64_t call) {
  auto& r = Recorded();
  return (x - r["network.mean"]) * (0.2 + 0.0007 * t) + r["network.rough"][call % 4] * 0.3;
}

constexpr double kBound = 1e-5;          // relative, of states and predictions of x_0
constexpr double kTimestepBound = 1e-3;  // diffusers' are float32, up to 1000

/// Runs all steps of `scheduler` and compares them at the recorded calls.
void ExpectEqual(const std::string& run, Scheduler& scheduler) {
  const auto get = [&](const char* key) { return Recorded().at(run + "." + key); };
  const auto timesteps = get("timesteps");
  const auto calls = get("calls");
  const auto states = get("states");
  const auto originals = get("originals");
  ASSERT_EQ(static_cast<int64_t>(scheduler.timesteps().size()), timesteps.numel());
  auto x = Recorded()["start"] * scheduler.start_scale();
  int64_t compared = 0;
  for (int64_t call = 0; call < timesteps.numel(); ++call) {
    const double t = scheduler.timesteps()[static_cast<size_t>(call)];
    ASSERT_NEAR(t, timesteps[call].item<double>(), kTimestepBound) << "call " << call;
    const auto output = Network(scheduler.ModelInput(x, call), t, call);
    const auto original = scheduler.Original(output, call, x);
    x = scheduler.Step(output, call, x, [&](int64_t i) { return Recorded()["noises"][i]; });
    if (compared == calls.numel() || calls[compared].item<int64_t>() != call) continue;
    ASSERT_LE(golden::RelativeError(x, states[compared]), kBound) << "call " << call;
    ASSERT_LE(golden::RelativeError(original, originals[compared]), kBound) << "call " << call;
    ++compared;
  }
  EXPECT_EQ(compared, calls.numel());
}

TEST(SchedulerGolden, WholeRunsEqualDiffusers) {
  const auto recorded = nlohmann::json::parse(golden::ReadFile("io/diffusion_runs.json"));
  std::set<std::string> schedulers;
  for (const auto& run : recorded["runs"]) {
    const std::string name = run["name"];
    const std::string scheduler = run["scheduler"];
    SCOPED_TRACE(name);
    const std::string config = recorded["configs"][run["config"].get<std::string>()].dump();
    const auto file = ParseScheduleConfig(config, "scheduler_config.json");
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_TRUE(file->warnings.empty());
    const Schedule schedule(file->config);
    ExpectEqual(name, *MakeScheduler(scheduler, schedule, run["steps"], run["eta"]));
    schedulers.insert(scheduler);
  }
  EXPECT_EQ(schedulers, std::set<std::string>(kSchedulerNames.begin(), kSchedulerNames.end()));
}

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
