// EngineProcess with several calls at once.
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/process/gone.h"
#include "worker/process/engine_process.h"

namespace vico::worker {
namespace {

using testing::Each;

/// Waits until the engine's end was noticed.
bool Kill(pid_t engine) {
  kill(engine, SIGKILL);
  return IsGone(engine);
}

constexpr auto kLongEnough = std::chrono::seconds(20);

/// Threads that wait for one another, a number of times.
class Meeting {
 public:
  explicit Meeting(int members) : members_(members) {}

  /// False if the others do not come.
  bool Come() {
    const MutexLock lock(mutex_);
    const int round = come_++ / members_;
    changed_.NotifyAll();
    return changed_.WaitFor(mutex_, kLongEnough, [&] {
      mutex_.AssertHeld();
      return come_ >= (round + 1) * members_;
    });
  }

 private:
  const int members_;
  Mutex mutex_;
  CondVar changed_;
  int come_ ABSL_GUARDED_BY(mutex_) = 0;
};

/// A generation of some steps on a thread of its own.
class Drawing {
 public:
  Drawing(Engine& engine, std::string name, const std::string& prompt = "steps", int steps = 5)
      : name_(std::move(name)), engine_(engine) {
    spec_.set_prompt(prompt);
    spec_.set_negative_prompt(name_);
    spec_.set_steps(steps);
    callbacks_.on_step = [this](int64_t step, int64_t) { return step_taken(step); };
    callbacks_.on_preview = [this](int, int64_t step, const PngPicture& picture) {
      previews.push_back(picture.bytes);
      preview_taken(step);
    };
    callbacks_.on_picture = [this](int, const PngPicture& picture) {
      pictures.push_back(picture.bytes);
    };
    callbacks_.on_warning = [](const std::string&, const std::string&) {};
  }

  void Start() {
    thread_ = std::jthread([this] { result = engine_.Generate(spec_, {}, callbacks_); });
  }
  void Wait() { thread_.join(); }
  const std::string& name() const { return name_; }

  std::function<bool(int64_t)> step_taken = [](int64_t) { return true; };
  std::function<void(int64_t)> preview_taken = [](int64_t) {};
  absl::StatusOr<bool> result = absl::UnknownError("it has not ended");
  std::vector<std::string> previews;
  std::vector<std::string> pictures;

 private:
  const std::string name_;
  Engine& engine_;
  v1::GenerateSpec spec_;
  GenerateCallbacks callbacks_;
  std::jthread thread_;
};

class SeveralCallsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto engine = EngineProcess::Open({.command = {VICO_FAKE_ENGINE, ""}}, Log::Off());
    ASSERT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
  }

  /// Four generations, each of which takes each step together with the others.
  std::vector<std::unique_ptr<Drawing>> FourInStep(const std::string& prompt_of_last = "steps") {
    std::vector<std::unique_ptr<Drawing>> drawings;
    for (const char* name : {"a", "b", "c", "d"}) {
      const bool last = drawings.size() == 3;
      drawings.push_back(
          std::make_unique<Drawing>(*engine_, name, last ? prompt_of_last : "steps"));
      drawings.back()->step_taken = [this](int64_t) { return meeting_.Come(); };
    }
    return drawings;
  }

  static void RunAll(std::vector<std::unique_ptr<Drawing>>& drawings) {
    for (const auto& drawing : drawings) drawing->Start();
    for (const auto& drawing : drawings) drawing->Wait();
  }

  static void ExpectWhole(const Drawing& drawing) {
    ASSERT_THAT(drawing.result, IsOk());
    EXPECT_TRUE(*drawing.result);
    EXPECT_EQ(drawing.previews.size(), 5u);
    EXPECT_THAT(drawing.previews, Each(drawing.name()));
    EXPECT_THAT(drawing.pictures, testing::ElementsAre(drawing.name()));
  }

  Meeting meeting_{4};
  std::unique_ptr<EngineProcess> engine_;  // ends before what its calls use
};

TEST_F(SeveralCallsTest, FourGenerationsTakeTheirStepsTogether) {
  EXPECT_EQ(engine_->most_generations(), 4);
  auto drawings = FourInStep();
  RunAll(drawings);
  for (const auto& drawing : drawings) ExpectWhole(*drawing);
}

TEST_F(SeveralCallsTest, AStopEndsItsOwnCallOnly) {
  auto drawings = FourInStep();
  drawings[0]->step_taken = [this](int64_t step) { return meeting_.Come() && step != 5; };
  RunAll(drawings);
  ASSERT_THAT(drawings[0]->result, IsOk());
  EXPECT_FALSE(*drawings[0]->result);
  EXPECT_THAT(drawings[0]->pictures, testing::IsEmpty());
  for (size_t i = 1; i < 4; ++i) ExpectWhole(*drawings[i]);
}

TEST_F(SeveralCallsTest, AFailureEndsItsOwnCallOnly) {
  Drawing whole(*engine_, "whole");
  Drawing failing(*engine_, "failing", "fail");
  whole.step_taken = [&](int64_t step) {
    if (step == 1) {
      failing.Start();
      failing.Wait();
    }
    return true;
  };
  whole.Start();
  whole.Wait();
  ExpectWhole(whole);
  EXPECT_THAT(failing.result, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(failing.result.status().message(), "no such prompt");
}

TEST_F(SeveralCallsTest, ADeathEndsAllCallsAndTheNextFindANewEngine) {
  const pid_t before = engine_->pid();
  auto drawings = FourInStep();
  for (const auto& drawing : drawings) {
    drawing->step_taken = [&, first = drawing == drawings[0]](int64_t step) {
      if (!meeting_.Come() || step != 2) return step < 2;
      if (first) {
        EXPECT_TRUE(Kill(before));
      }
      return meeting_.Come();
    };
  }
  RunAll(drawings);
  for (const auto& drawing : drawings) {
    EXPECT_THAT(drawing->result, HasReason(kEngineDied));
    EXPECT_THAT(std::string(drawing->result.status().message()), testing::HasSubstr("signal 9"));
  }
  auto again = FourInStep();
  RunAll(again);
  for (const auto& drawing : again) ExpectWhole(*drawing);
  EXPECT_NE(engine_->pid(), before);
}

TEST_F(SeveralCallsTest, AHangOfOneCallEndsTheOthers) {
  engine_->SetHang(absl::Seconds(1));
  const pid_t before = engine_->pid();
  Drawing hanging(*engine_, "hanging", "hang");
  Drawing other(*engine_, "other");
  other.step_taken = [&](int64_t) {
    hanging.Start();
    hanging.Wait();  // longer than the limit, which does not count what a callback takes
    return true;
  };
  other.Start();
  other.Wait();
  EXPECT_THAT(hanging.result, HasReason(kEngineHung));
  EXPECT_THAT(other.result, HasReason(kEngineDied));
  EXPECT_NE(kill(before, 0), 0) << "it is gone";
}

TEST_F(SeveralCallsTest, ASlowCallDoesNotHoldBackAnother) {
  Drawing slow(*engine_, "slow", "flood", 1000);
  Drawing quick(*engine_, "quick");
  slow.preview_taken = [&](int64_t i) {
    if (i != 1) return;
    quick.Start();
    quick.Wait();
  };
  slow.Start();
  slow.Wait();
  ExpectWhole(quick);
  EXPECT_THAT(slow.result, IsOk());
  EXPECT_EQ(slow.previews.size(), 1000u);
}

TEST_F(SeveralCallsTest, OneGenerationTooManyFailsAlone) {
  auto drawings = FourInStep();
  Drawing fifth(*engine_, "fifth");
  drawings[0]->step_taken = [&](int64_t step) {
    if (!meeting_.Come()) return false;
    if (step == 3) {
      fifth.Start();
      fifth.Wait();
    }
    return true;
  };
  RunAll(drawings);
  for (const auto& drawing : drawings) ExpectWhole(*drawing);
  EXPECT_THAT(fifth.result, HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(SeveralCallsTest, ATrainingRunsBesideGenerations) {
  v1::TrainSpec spec;
  spec.set_steps(5);
  Meeting both(2);
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const TrainStep&) { return both.Come(); };
  callbacks.finishes_early = [] { return false; };
  callbacks.keep_going = [] { return true; };
  callbacks.on_sample = [](const TrainingSample&) {};
  callbacks.on_mask = [](const LearnedMask&) {};
  callbacks.on_warning = [](const std::string&, const std::string&) {};
  callbacks.wants_checkpoint = [](int64_t, bool) { return true; };
  int checkpoints = 0;
  callbacks.on_checkpoint = [&](const TrainCheckpoint&) { ++checkpoints; };
  Drawing drawing(*engine_, "drawing");
  drawing.step_taken = [&](int64_t) { return both.Come(); };
  drawing.Start();
  const auto trained = engine_->Train(spec, {"first"}, callbacks);
  drawing.Wait();
  ASSERT_THAT(trained, IsOk());
  EXPECT_FALSE(trained->stopped);
  EXPECT_EQ(checkpoints, 5);
  ExpectWhole(drawing);
}

TEST_F(SeveralCallsTest, AnEvaluationRunsBesideGenerations) {
  AdapterSource source;
  source.adapter.set_name("adapters/1");
  source.fetch = [] { return AdapterBytes{.safetensors = "w", .reference = "r"}; };
  Drawing drawing(*engine_, "drawing");
  EvaluateCallbacks callbacks;
  callbacks.on_step = [&](int64_t, int64_t) {
    drawing.Start();
    drawing.Wait();
    return true;
  };
  callbacks.keep_going = [] { return true; };
  callbacks.on_warning = [](const std::string&, const std::string&) {};
  const auto evaluated = engine_->Evaluate({}, source, {"one", "two"}, callbacks);
  ASSERT_THAT(evaluated, IsOk());
  EXPECT_EQ(evaluated->sheet.bytes, "adapters/1wr");
  ExpectWhole(drawing);
}

TEST_F(SeveralCallsTest, ARestartEndsTheCallsThatRun) {
  Drawing drawing(*engine_, "drawing");
  drawing.step_taken = [&](int64_t step) {
    if (step == 1) {
      EXPECT_THAT(engine_->Restart(), IsOk());
    }
    return true;
  };
  drawing.Start();
  drawing.Wait();
  EXPECT_THAT(drawing.result, HasReason(kEngineDied));
  EXPECT_GT(engine_->pid(), 0);
}

}  // namespace
}  // namespace vico::worker
