// EngineProcess with a child process that runs a fake engine.
#include "worker/process/engine_process.h"

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/process/gone.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EngineProcessTest : public testing::Test {
 protected:
  static absl::StatusOr<std::unique_ptr<EngineProcess>> Open(const std::string& how = "") {
    return EngineProcess::Open({.command = {VICO_FAKE_ENGINE, how}}, Log::Off());
  }

  void SetUp() override {
    auto engine = Open();
    ASSERT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
    spec_.set_steps(4);
    train_.on_step = [this](const TrainStep& step) {
      EXPECT_EQ(step.total_steps, 4);
      EXPECT_EQ(step.loss, 1.5);
      EXPECT_EQ(step.loss_reg, 0.125);
      steps_.push_back(step.step);
      return step.step != stop_at_;
    };
    train_.keep_going = [] { return true; };
    train_.on_sample = [this](const TrainingSample& sample) {
      EXPECT_EQ(sample.step, 4);
      EXPECT_EQ(sample.prompt_index, 2);
      EXPECT_EQ(sample.seed, 7u);
      const PngPicture& picture = sample.picture;
      notes_.push_back(picture.bytes + std::to_string(picture.width) + "x" +
                       std::to_string(picture.height));
    };
    train_.on_mask = [this](const LearnedMask& mask) {
      EXPECT_EQ(mask.step, 3);
      EXPECT_EQ(mask.picture_index, 1);
      EXPECT_EQ(mask.coverage, 0.25);
      notes_.push_back(mask.png + " at " + mask.site);
    };
    train_.on_warning = [this](const std::string& reason, const std::string& message) {
      notes_.push_back(reason + ": " + message);
    };
    train_.on_resumed = [](int64_t step, const std::vector<double>& losses) {
      EXPECT_EQ(step, 2);
      EXPECT_THAT(losses, ElementsAre(0.5, 0.25));
    };
    train_.wants_checkpoint = [this](int64_t step, bool stopping) {
      EXPECT_EQ(stopping, step == stop_at_);
      return step % 2 == 0;
    };
    train_.on_checkpoint = [this](const TrainCheckpoint& checkpoint) {
      const auto bytes = checkpoint.serialize();
      ASSERT_THAT(bytes, IsOk());
      notes_.push_back(std::to_string(checkpoint.step) + " " + *bytes);
    };
    generate_.on_step = [](int64_t step, int64_t total) { return step == 1 && total == 2; };
    generate_.on_preview = [this](int, int64_t, const PngPicture& picture) {
      notes_.push_back(picture.bytes);
    };
    generate_.on_picture = [this](int, const PngPicture& picture) {
      notes_.push_back(picture.bytes);
    };
    generate_.on_warning = [this](const std::string& reason, const std::string&) {
      notes_.push_back(reason);
    };
  }

  absl::StatusOr<TrainedAdapter> Train() {
    return engine_->Train(spec_, {"first", "second"}, train_);
  }

  std::unique_ptr<EngineProcess> engine_;
  v1::TrainSpec spec_;
  TrainCallbacks train_;
  GenerateCallbacks generate_;
  int64_t stop_at_ = 0;
  std::vector<int64_t> steps_;
  std::vector<std::string> notes_;
};

TEST_F(EngineProcessTest, ReportsItsOffers) {
  const auto offers = engine_->offers();
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].base_model.name(), "baseModels/toyworld");
  EXPECT_EQ(offers[0].vocabulary, "{}");
  EXPECT_EQ(offers[0].merges, "#version");
  EXPECT_EQ(offers[0].added_tokens, R"({"<cat>":5})");
  EXPECT_EQ(engine_->device(), "cpu");
  EXPECT_EQ(engine_->devices(), 4);
  EXPECT_EQ(engine_->most_generations(), 4);
}

TEST_F(EngineProcessTest, PassesATrainingsCallbacksAndResult) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  EXPECT_FALSE(trained->stopped);
  EXPECT_EQ(trained->safetensors, "first" + std::string(3 << 20, 'a'));
  EXPECT_EQ(trained->peak_rss_mb, 12.5);
  EXPECT_THAT(steps_, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(notes_, testing::UnorderedElementsAre("2 state 2", "4 state 4", "sample64x32",
                                                    "mask at site"));
}

TEST_F(EngineProcessTest, AStopEndsTheTrainingAndKeepsTheCheckpoint) {
  stop_at_ = 2;
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  EXPECT_TRUE(trained->stopped);
  EXPECT_THAT(steps_, ElementsAre(1, 2));
  EXPECT_THAT(notes_, ElementsAre("2 state 2"));
}

TEST_F(EngineProcessTest, AFinishEndsTheTrainingWithAResult) {
  train_.finishes_early = [this] { return steps_.size() == 3; };
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  EXPECT_FALSE(trained->stopped);
  EXPECT_EQ(trained->safetensors, "so far");
  EXPECT_THAT(steps_, ElementsAre(1, 2, 3));
  train_.finishes_early = nullptr;
  steps_.clear();
  ASSERT_THAT(Train(), IsOk());
  EXPECT_THAT(steps_, ElementsAre(1, 2, 3, 4)) << "of the next training";
}

TEST_F(EngineProcessTest, CheckpointsAreFetchedNewestFirst) {
  train_.checkpoints = {
      {.step = 3,
       .fetch = []() -> absl::StatusOr<std::string> { return absl::DataLossError("torn"); }},
      {.step = 2, .fetch = []() -> absl::StatusOr<std::string> { return "kept"; }}};
  ASSERT_THAT(Train(), IsOk());
  EXPECT_THAT(steps_, ElementsAre(3, 4));
  EXPECT_EQ(notes_[0], "PASSED_OVER: torn");
  EXPECT_EQ(notes_[1], "RESUMED: kept");
}

TEST_F(EngineProcessTest, DrawsAPictureWithTheFetchedAdapter) {
  v1::GenerateSpec spec;
  AdapterSource source;
  source.adapter.set_name("adapters/1");
  source.fetch = [] { return AdapterBytes{.safetensors = " weights", .reference = " reference"}; };
  EXPECT_TRUE(*engine_->Generate(spec, {.adapter = &source}, generate_));
  EXPECT_TRUE(*engine_->Generate(spec, {}, generate_));
  EXPECT_THAT(notes_, ElementsAre("preview", "adapters/1 weights reference", "DRAWN", "preview",
                                  "bare", "DRAWN"));
  EXPECT_TRUE(
      *engine_->Generate(spec, {.init_picture = " init", .mask_picture = " mask"}, generate_));
  EXPECT_EQ(notes_.at(7), "bare init mask");
  source.fetch = []() -> absl::StatusOr<AdapterBytes> {
    return absl::AbortedError("the lease is lost");
  };
  EXPECT_THAT(engine_->Generate(spec, {.adapter = &source}, generate_),
              HasCode(absl::StatusCode::kAborted));
  generate_.on_step = [](int64_t, int64_t) { return false; };
  EXPECT_FALSE(*engine_->Generate(spec, {}, generate_));
}

TEST_F(EngineProcessTest, AContinuedTrainingFetchesTheAdapter) {
  spec_.set_continued_adapter("adapters/1");
  train_.fetch_continued = [] { return std::string("weights"); };
  ASSERT_THAT(Train(), IsOk());
  EXPECT_EQ(notes_.front(), "CONTINUED: weights");
  train_.fetch_continued = []() -> absl::StatusOr<std::string> {
    return absl::NotFoundError("the adapter is gone");
  };
  EXPECT_THAT(Train(), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(EngineProcessTest, PassesAnEvaluationsCallbacksAndResult) {
  v1::EvaluateSpec spec;
  spec.add_prompts("a photo of S*");
  AdapterSource source;
  source.adapter.set_name("adapters/1");
  source.fetch = [] { return AdapterBytes{.safetensors = " weights", .reference = " reference"}; };
  EvaluateCallbacks callbacks;
  callbacks.on_step = [](int64_t step, int64_t total) { return step == 1 && total == 2; };
  callbacks.keep_going = [] { return true; };
  callbacks.on_warning = [this](const std::string& reason, const std::string& message) {
    notes_.push_back(reason + ": " + message);
  };
  const auto evaluated = engine_->Evaluate(spec, source, {"one", "two"}, callbacks);
  ASSERT_THAT(evaluated, IsOk());
  EXPECT_FALSE(evaluated->stopped);
  EXPECT_THAT(evaluated->report.prompts(), ElementsAre("a photo of S*"));
  EXPECT_EQ(evaluated->sheet.bytes, "adapters/1 weights reference");
  EXPECT_EQ(evaluated->sheet.width, 64);
  EXPECT_EQ(evaluated->sheet.height, 32);
  EXPECT_THAT(notes_, ElementsAre("MEASURED: onetwo"));
  callbacks.keep_going = [] { return false; };
  EXPECT_TRUE(engine_->Evaluate(spec, source, {"one", "two"}, callbacks)->stopped);
}

TEST_F(EngineProcessTest, ReportsTheProcesssMemoryAndTheLoadedAdaptersOfTheLastJob) {
  EXPECT_GT(engine_->load().memory_bytes, 1u << 20);
  EXPECT_EQ(engine_->load().loaded_adapters, 0);
  AdapterSource source;
  source.fetch = [] { return AdapterBytes{.safetensors = "weights", .reference = "reference"}; };
  for (int count : {1, 2}) {
    ASSERT_THAT(engine_->Generate({}, {.adapter = &source}, generate_), IsOk());
    EXPECT_EQ(engine_->load().loaded_adapters, count);
  }
  ASSERT_THAT(Train(), IsOk());
  EXPECT_EQ(engine_->load().loaded_adapters, 2);
  spec_.set_init_word("crash");
  EXPECT_THAT(Train(), HasReason(kEngineDied));
  EXPECT_EQ(engine_->load().loaded_adapters, 0) << "they went with the process";
  EXPECT_EQ(engine_->load().memory_bytes, 0u);
  ASSERT_THAT(engine_->Ready(), IsOk());
  EXPECT_GT(engine_->load().memory_bytes, 1u << 20);
}

TEST_F(EngineProcessTest, ErrorsKeepTheirCodeAndReason) {
  spec_.set_init_word("fail");
  const auto failed = Train();
  EXPECT_THAT(failed, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(failed, HasReason("OUT_OF_MEMORY"));
  const pid_t before = engine_->pid();
  EXPECT_THAT(engine_->Restart(), IsOk());
  EXPECT_NE(engine_->pid(), before);
  spec_.clear_init_word();
  EXPECT_THAT(Train(), IsOk());
}

TEST_F(EngineProcessTest, ReplacesAnEngineThatCrashes) {
  const pid_t before = engine_->pid();
  spec_.set_init_word("crash");
  const auto crashed = Train();
  EXPECT_THAT(crashed, HasReason(kEngineDied));
  EXPECT_THAT(std::string(crashed.status().message()), HasSubstr("signal 6"));
  ASSERT_THAT(engine_->Ready(), IsOk());
  EXPECT_NE(engine_->pid(), before);
  spec_.clear_init_word();
  EXPECT_THAT(Train(), IsOk());
}

TEST_F(EngineProcessTest, AnEngineThatWasKilledBetweenJobsCostsNoJob) {
  const pid_t before = engine_->pid();
  kill(before, SIGKILL);
  ASSERT_TRUE(IsGone(before));
  EXPECT_EQ(engine_->load().memory_bytes, 0u);
  EXPECT_THAT(Train(), IsOk());
  EXPECT_NE(engine_->pid(), before);
}

TEST_F(EngineProcessTest, KillsAnEngineThatHangs) {
  engine_->SetHang(absl::Seconds(1));
  const pid_t before = engine_->pid();
  v1::GenerateSpec spec;
  spec.set_prompt("hang");
  const absl::Time begun = absl::Now();
  EXPECT_THAT(engine_->Generate(spec, {}, generate_), HasReason(kEngineHung));
  EXPECT_LT(absl::Now() - begun, absl::Seconds(5));
  EXPECT_NE(kill(before, 0), 0);  // gone
  spec.clear_prompt();
  EXPECT_THAT(engine_->Generate(spec, {}, generate_), IsOk());
}

TEST_F(EngineProcessTest, ReportsWhyAnEngineCannotStart) {
  const auto refused = Open("refuse");
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(refused.status().message(), "--base-model: is no base model");
  EXPECT_THAT(std::string(Open("exit").status().message()), HasSubstr("exit code 3"));
  const auto missing = EngineProcess::Open({.command = {"/no/such/program"}}, Log::Off());
  EXPECT_THAT(std::string(missing.status().message()),
              HasSubstr("/no/such/program: did not start"));
}

}  // namespace
}  // namespace vico::worker
