// A test fixture that runs jobs on a fake engine against a fake server.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/job/fake_engine.h"
#include "tests/worker/job/fake_server_link.h"
#include "worker/job/run_job.h"

namespace vico::worker {

class RunJobTest : public testing::Test {
 protected:
  RunJobTest() {
    training_.set_job("jobs/1");
    training_.set_lease_id("lease");
    training_.set_attempt(1);
    training_.mutable_spec()->mutable_train()->set_steps(3);
    *training_.add_pictures()->mutable_blob() = link_.Stored("first picture");
    *training_.add_pictures()->mutable_blob() = link_.Stored("second picture");

    generation_.set_job("jobs/2");
    generation_.set_lease_id("lease");
    auto& spec = *generation_.mutable_spec()->mutable_generate();
    spec.set_base_model("baseModels/toyworld");
    spec.set_adapter("adapters/1");
    spec.set_picture_count(2);
    spec.add_seeds(7);
    spec.add_seeds(8);
    auto& adapter = *generation_.mutable_adapter();
    *adapter.mutable_blob() = link_.Stored("adapter file");
    *adapter.mutable_reference() = link_.Stored("reference picture");
  }

  /// Runs with a reporter of its own, and waits until its events have arrived.
  std::optional<v1::FinishRequest> Run(const v1::LeasedJob& job) {
    Reporter::Options options;
    options.timing.shortest_gap = absl::ZeroDuration();
    options.timing.fence = fence_;
    const LeaseKey lease{.job = job.job(), .lease_id = job.lease_id()};
    reporter_ = std::make_unique<Reporter>(link_, clock_, Log::Off(), lease, options);
    JobContext context(link_, *reporter_, clock_, pause_, lease, stop_.get_token());
    auto outcome = RunJob(job, engine_, context, Log::Off());
    reporter_->FlushAndStop();
    return outcome;
  }

  absl::Status FailureOf(const absl::Status& error, bool* retryable) {
    engine_.train = [&](const auto&, const auto&, const auto&) { return error; };
    const auto outcome = Run(training_);
    if (!outcome || !outcome->has_failure()) return absl::OkStatus();
    *retryable = outcome->failure().retryable();
    return FromProto(outcome->failure().status());
  }

  /// Trains step after step, as long as it may; a second a step.
  absl::StatusOr<TrainedAdapter> TrainSteps(const TrainCallbacks& callbacks, int total) {
    for (int step = 1; step <= total; ++step) {
      clock_.Advance(absl::Seconds(1));
      ++steps_;
      if (!callbacks.on_step(
              {.step = step, .total_steps = total, .loss = 1.0 / step, .loss_reg = 0.5})) {
        return TrainedAdapter{.stopped = true};
      }
    }
    return TrainedAdapter{.safetensors = "adapter"};
  }

  /// Has reports sent until one has brought `verdict`.
  void WaitForVerdict(Verdict verdict) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::optional<size_t> woken;
    while (reporter_->Poll() != verdict && std::chrono::steady_clock::now() < deadline) {
      if (const size_t seen = link_.CountOf("Report"); seen != woken) {
        v1::Event wake;
        wake.mutable_warning()->set_reason("WAKE");
        reporter_->Add(std::move(wake));
        woken = seen;
      }
      std::this_thread::yield();
    }
    ASSERT_EQ(reporter_->Poll(), verdict);
  }

  FakeClock clock_;
  FakePause pause_{clock_};
  FakeServerLink link_;
  FakeEngine engine_;
  std::stop_source stop_;
  std::unique_ptr<Reporter> reporter_;
  v1::LeasedJob training_;
  v1::LeasedJob generation_;
  absl::Duration fence_ = absl::Seconds(20);
  int steps_ = 0;
};

}  // namespace vico::worker
