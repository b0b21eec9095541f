// Predictions of several generations in one pass.
#include "worker/personalize/shared_passes.h"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/worker/loaded_tiny_base.h"
#include "worker/personalize/generator.h"

namespace vico::worker {
namespace {

constexpr int64_t kLatentSide = 16;
constexpr int kJobs = 4;
constexpr double kMostDifference = 1e-4;  // of predictions with a standard deviation of about 1

class SharedPassesTest : public testing::Test {
 protected:
  SharedPassesTest() {
    at::manual_seed(3);
    const int64_t channels = base_.unet->config().in_channels;
    for (int job = 0; job < kJobs; ++job) {
      auto& personal = adapters_.emplace_back();
      personal.adapter =
          Adapter(base_.unet->transformers(), base_.sites(), base_.text->config().hidden_size,
                  static_cast<uint64_t>(job), BlockStart::kDefault);
      personal.reference = at::randn({1, channels, kLatentSide, kLatentSide});
      latents_.push_back(at::randn({1 + job % 2, channels, kLatentSide, kLatentSide}));
    }
    for (Personalization& personal : adapters_) {
      prompts_.push_back(EncodeGuidedPrompt(base_, &personal, "a photo of S*", "", "S*", 3));
    }
  }

  std::vector<GuidedRow> RowsOf(size_t job) {
    const GuidedRow row = {
        .personal = job == 3 ? nullptr : &adapters_[job],  // the last is of the bare base model
        .prompt = &prompts_[job],
        .guidance_scale = 3.0 + static_cast<double>(job),
        .timestep = 801 - 100.5 * static_cast<double>(job)};
    return std::vector<GuidedRow>(static_cast<size_t>(latents_[job].size(0)), row);
  }

  torch::Tensor Alone(size_t job) {
    const at::NoGradGuard no_grad;
    const std::vector<GuidedRow> rows = RowsOf(job);
    return GuidedNetwork(base_, HalvesOf(rows))(latents_[job], rows);
  }

  /// Predicts for the first `jobs` jobs at once, each on a thread of its own, and calls `on_error`
  /// with those that fail.
  std::vector<torch::Tensor> Together(const std::shared_ptr<SharedPasses>& passes, size_t jobs,
                                      const std::function<void(size_t)>& on_error = {}) {
    std::vector<torch::Tensor> predicted(jobs);
    auto turn = turns_.Take(Work::kGeneration);  // so that no pass begins before all wait
    std::vector<std::jthread> threads;
    for (size_t job = 0; job < jobs; ++job) {
      threads.emplace_back([&, job] {
        const at::NoGradGuard no_grad;
        SharedPasses::Member member(passes);
        const std::vector<GuidedRow> rows = RowsOf(job);
        GuidedNetwork own(base_, HalvesOf(rows));
        try {
          predicted[job] = member.Predict(own, latents_[job], rows);
        } catch (const c10::Error&) {
          if (on_error) on_error(job);
        }
      });
      while (passes->waiting() <= static_cast<int64_t>(job)) std::this_thread::yield();
    }
    turn.End();
    threads.clear();
    return predicted;
  }

  static double Difference(const torch::Tensor& a, const torch::Tensor& b) {
    return (a - b).abs().max().item<double>();
  }

  Base base_ = LoadTinyBase();
  const SystemClock clock_;
  DeviceTurns turns_{0.5, clock_};
  std::vector<Personalization> adapters_;
  std::vector<GuidedPrompt> prompts_;
  std::vector<torch::Tensor> latents_;
};

TEST_F(SharedPassesTest, PredictionsThatWaitShareAPassAndAreThoseOfEachAlone) {
  const auto passes = std::make_shared<SharedPasses>(base_, turns_, 64);
  const auto predicted = Together(passes, kJobs);
  EXPECT_EQ(passes->passes(), 1);
  for (size_t job = 0; job < kJobs; ++job) {
    ASSERT_EQ(predicted[job].sizes(), latents_[job].sizes());
    const double difference = Difference(predicted[job], Alone(job));
    EXPECT_LT(difference, kMostDifference) << job;
    RecordProperty("difference_" + std::to_string(job), fmt::format("{:.1e}", difference));
  }
}

TEST_F(SharedPassesTest, GenerationsThatRunAtOnceShareTheirPasses) {
  constexpr int64_t kSteps = 8;
  const auto passes = std::make_shared<SharedPasses>(base_, turns_, 64);
  std::vector<std::jthread> threads;
  for (size_t job = 0; job < 3; ++job) {
    threads.emplace_back([&, job] {
      SharedPasses::Member member(passes);
      GenerateOptions options;
      options.prompt = "a photo of S*";
      options.steps = kSteps;
      options.height = options.width = 64;
      options.seeds = {job};
      options.passes = &member;
      EXPECT_TRUE(GeneratePictures(base_, &adapters_[job], options, {}));
    });
  }
  threads.clear();
  EXPECT_GE(passes->passes(), kSteps);
  EXPECT_LT(passes->passes(), 3 * kSteps);
  RecordProperty("passes", static_cast<int>(passes->passes()));
}

TEST_F(SharedPassesTest, APredictionAloneHasTheBitsOfItsOwnPass) {
  const auto passes = std::make_shared<SharedPasses>(base_, turns_, 64);
  EXPECT_TRUE(Together(passes, 1).front().equal(Alone(0)));
}

TEST_F(SharedPassesTest, MoreRowsThanAPassMayHaveMakeSeveralPasses) {
  const auto passes = std::make_shared<SharedPasses>(
      base_, turns_, 6);  // the jobs have 2, 4, 2 and 4 rows of the U-Net
  const auto predicted = Together(passes, kJobs);
  EXPECT_EQ(passes->passes(), 2);
  for (size_t job = 0; job < kJobs; ++job) {
    EXPECT_LT(Difference(predicted[job], Alone(job)), kMostDifference) << job;
  }
}

TEST_F(SharedPassesTest, AGenerationWithMoreRowsThanAPassHasAPassOfItsOwn) {
  const auto passes = std::make_shared<SharedPasses>(base_, turns_, 1);
  const auto predicted = Together(passes, kJobs);
  EXPECT_EQ(passes->passes(), kJobs);
  for (size_t job = 0; job < kJobs; ++job) EXPECT_TRUE(predicted[job].equal(Alone(job))) << job;
}

TEST_F(SharedPassesTest, AnErrorIsThatOfTheGenerationAtFaultOnly) {
  adapters_[1].reference = adapters_[1].reference.narrow(1, 0, 1);  // too few channels
  const auto passes = std::make_shared<SharedPasses>(base_, turns_, 64);
  std::vector<size_t> failed;
  const auto predicted = Together(passes, kJobs, [&](size_t job) { failed.push_back(job); });
  EXPECT_EQ(failed, std::vector<size_t>{1});
  for (const size_t job : {0, 2, 3}) {
    EXPECT_LT(Difference(predicted[job], Alone(job)), kMostDifference) << job;
  }
}

}  // namespace
}  // namespace vico::worker
