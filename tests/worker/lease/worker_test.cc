#include "worker/lease/worker.h"

#include <future>
#include <memory>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/job/fake_engine.h"
#include "tests/worker/job/fake_server_link.h"

namespace vico::worker {
namespace {

v1::LeaseResponse Grant(const std::string& job) {
  v1::LeaseResponse response;
  response.mutable_ttl()->set_seconds(30);
  auto& leased = *response.add_jobs();
  leased.set_job(job);
  leased.set_lease_id("lease of " + job);
  leased.set_attempt(1);
  auto& spec = *leased.mutable_spec()->mutable_generate();
  spec.set_picture_count(1);
  spec.add_seeds(7);
  return response;
}

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    // The script is empty, so the test is over.
    link_.on_idle_lease = [this] { stop_.request_stop(); };
  }

  absl::Status Run() {
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_);
    Worker worker(link_, engine_, clock_, pause_, Log::ToSink("vico-worker", sink),
                  {.name = "worker-1", .build_version = "1", .on_registered = [this] {
                     ++times_registered_;
                   }});
    return worker.Run(stop_.get_token());
  }

  size_t CountInLog(const std::string& text) const {
    const std::string log = log_text_.str();
    size_t count = 0;
    for (size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  }

  FakeClock clock_;
  FakePause pause_{clock_};
  FakeServerLink link_;
  FakeEngine engine_;
  std::stop_source stop_;
  std::ostringstream log_text_;
  int times_registered_ = 0;
};

TEST_F(WorkerTest, RegistersItsBaseModelsAfterTheirTokenizerFiles) {
  EXPECT_THAT(Run(), IsOk());

  EXPECT_THAT(link_.calls(), testing::ElementsAre("PutBlob", "PutBlob", "Register", "Lease"));
  const auto registration = link_.registrations().at(0);
  EXPECT_EQ(registration.worker(), "worker-1");
  EXPECT_EQ(registration.device(), "cpu");
  ASSERT_EQ(registration.base_models_size(), 1);
  const auto& offered = registration.base_models(0);
  EXPECT_EQ(offered.base_model().name(), "baseModels/toyworld");
  EXPECT_EQ(link_.blobs.at(offered.vocabulary().sha256()), "{}");
  EXPECT_EQ(link_.blobs.at(offered.merges().sha256()), "#version");
  EXPECT_FALSE(offered.has_added_tokens());
  EXPECT_THAT(link_.leases().at(0).base_models(), testing::ElementsAre("baseModels/toyworld"));
}

TEST_F(WorkerTest, SaysHowManyDevicesItHas) {
  engine_.device_count = 3;
  EXPECT_THAT(Run(), IsOk());
  EXPECT_EQ(link_.registrations().at(0).devices(), 3);
  EXPECT_EQ(link_.leases().at(0).devices(), 3);
}

TEST_F(WorkerTest, OffersAddedTokens) {
  engine_.added_tokens = R"({"<cat>":5})";
  EXPECT_THAT(Run(), IsOk());
  const auto registration = link_.registrations().at(0);
  const auto& offered = registration.base_models(0);
  EXPECT_EQ(link_.blobs.at(offered.added_tokens().sha256()), engine_.added_tokens);
}

TEST_F(WorkerTest, LeasesRunsAndFinishesOneJobAfterAnother) {
  link_.lease_script = {Grant("jobs/1"), v1::LeaseResponse(), Grant("jobs/2")};

  EXPECT_THAT(Run(), IsOk());

  const auto finishes = link_.finishes();
  ASSERT_EQ(finishes.size(), 2u);
  EXPECT_EQ(finishes[0].job(), "jobs/1");
  EXPECT_EQ(finishes[0].lease_id(), "lease of jobs/1");
  EXPECT_EQ(finishes[0].generated().pictures_size(), 1);
  EXPECT_EQ(finishes[1].job(), "jobs/2");
}

TEST_F(WorkerTest, EveryEventIsAcknowledgedBeforeTheFinish) {
  link_.lease_script = {Grant("jobs/1")};

  EXPECT_THAT(Run(), IsOk());

  ASSERT_EQ(link_.events().size(), 1u);
  const v1::Picture picture = link_.events()[0].picture();
  EXPECT_EQ(picture.seed(), 7u);
  EXPECT_THAT(TextIn(link_.blobs.at(picture.blob().sha256()), "vico"),
              testing::HasSubstr(R"("version":"1")"));
  const auto calls = link_.calls();
  const auto last_report = std::find(calls.rbegin(), calls.rend(), "Report");
  const auto finish = std::find(calls.rbegin(), calls.rend(), "Finish");
  EXPECT_LT(finish - calls.rbegin(), last_report - calls.rbegin());
}

TEST_F(WorkerTest, AnUnansweredLeaseIsRetriedWithTheSameNonce) {
  link_.lease_script = {absl::UnavailableError("the answer was lost"), Grant("jobs/1")};

  EXPECT_THAT(Run(), IsOk());

  const auto leases = link_.leases();
  ASSERT_EQ(leases.size(), 3u);
  EXPECT_FALSE(leases[0].nonce().empty());
  EXPECT_EQ(leases[1].nonce(), leases[0].nonce());
  EXPECT_NE(leases[2].nonce(), leases[0].nonce());
}

TEST_F(WorkerTest, WaitsWhileTheServerIsUnavailableAndRegistersAgain) {
  link_.lease_script = {absl::UnavailableError("restarting")};
  link_.register_script = {absl::OkStatus(), absl::UnavailableError("away"),
                           absl::DeadlineExceededError("away")};

  EXPECT_THAT(Run(), IsOk());

  EXPECT_EQ(link_.CountOf("Register"), 4u);
  EXPECT_EQ(times_registered_, 2);
  EXPECT_EQ(link_.CountOf("Lease"), 2u);
  EXPECT_EQ(pause_.waits.size(), 3u);
  EXPECT_EQ(CountInLog("does not answer"), 1u);
  EXPECT_EQ(CountInLog("available again"), 1u);
}

TEST_F(WorkerTest, RegistersAgainIfTheServerDoesNotKnowTheWorker) {
  link_.lease_script = {absl::NotFoundError("no such worker")};

  EXPECT_THAT(Run(), IsOk());

  EXPECT_EQ(link_.CountOf("Register"), 2u);
  EXPECT_EQ(link_.CountOf("Lease"), 2u);
}

TEST_F(WorkerTest, ARefusedRegistrationEndsTheWorker) {
  link_.register_script = {absl::InvalidArgumentError("base_models[0].digest: must be 64 digits")};

  EXPECT_THAT(Run(), HasMessage(testing::HasSubstr("base_models[0].digest")));
  EXPECT_EQ(link_.CountOf("Lease"), 0u);
}

TEST_F(WorkerTest, BacksOffFromAServerThatDoesNotWait) {
  link_.lease_script = {v1::LeaseResponse(), v1::LeaseResponse(), v1::LeaseResponse()};

  EXPECT_THAT(Run(), IsOk());

  EXPECT_EQ(pause_.waits.size(), 3u);
}

TEST_F(WorkerTest, AStopWhileWaitingForAJobEndsTheWorker) {
  link_.on_idle_lease = nullptr;
  auto done = std::async(std::launch::async, [this] { return Run(); });
  ASSERT_TRUE(link_.WaitForCalls("Lease", 1));

  stop_.request_stop();

  ASSERT_EQ(done.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_THAT(done.get(), IsOk());
}

TEST_F(WorkerTest, AStopReleasesTheRunningJobAndLeasesNoOther) {
  link_.lease_script = {Grant("jobs/1"), Grant("jobs/2")};
  engine_.generate = [&](const auto&, const auto&, const auto& callbacks) -> absl::StatusOr<bool> {
    stop_.request_stop();
    return callbacks.on_step(1, 10);
  };

  EXPECT_THAT(Run(), IsOk());

  ASSERT_EQ(link_.finishes().size(), 1u);
  EXPECT_TRUE(link_.finishes()[0].has_released());
  EXPECT_EQ(link_.CountOf("Lease"), 1u);
}

TEST_F(WorkerTest, ADrainedJobIsReleasedAndTheNextLeaseWaits) {
  link_.lease_script = {Grant("jobs/1")};
  link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_DRAIN));
  engine_.generate = [&](const auto&, const auto&, const auto& callbacks) -> absl::StatusOr<bool> {
    for (int step = 1; link_.WaitForCalls("Report", static_cast<size_t>(step)); ++step) {
      if (!callbacks.on_step(step, 1000)) return false;
      clock_.Advance(absl::Seconds(1));
    }
    return true;
  };

  EXPECT_THAT(Run(), IsOk());

  ASSERT_EQ(link_.finishes().size(), 1u);
  EXPECT_TRUE(link_.finishes()[0].has_released());
  EXPECT_EQ(pause_.waits.size(), 1u);
}

TEST_F(WorkerTest, ALostLeaseIsNotFinishedAndTheNextJobIsLeased) {
  link_.lease_script = {Grant("jobs/1"), Grant("jobs/2")};
  link_.report_script = {absl::AbortedError("stale")};
  bool first = true;
  engine_.generate = [&](const auto&, const auto&, const auto& callbacks) -> absl::StatusOr<bool> {
    if (std::exchange(first, false)) {
      link_.WaitForCalls("Report", 1);
      for (int step = 1; step <= 1'000'000 && callbacks.on_step(step, 1'000'000); ++step) {
        std::this_thread::yield();
      }
      return false;
    }
    callbacks.on_picture(0, {.bytes = TinyPng("picture")});
    return true;
  };

  EXPECT_THAT(Run(), IsOk());

  ASSERT_EQ(link_.finishes().size(), 1u);
  EXPECT_EQ(link_.finishes()[0].job(), "jobs/2");
}

}  // namespace
}  // namespace vico::worker
