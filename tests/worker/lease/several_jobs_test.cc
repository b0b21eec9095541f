// A worker that serves several jobs at once: each goes its own way, and none is charged for what
// another does to the engine.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"
#include "tests/support/fake_clock.h"
#include "tests/support/processes.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/job/fake_engine.h"
#include "tests/worker/job/fake_server_link.h"
#include "worker/lease/worker.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

absl::Status Died() {
  return Error(absl::StatusCode::kUnavailable, "the engine died: signal 9", kEngineDied);
}

absl::Status OutOfMemory() {
  return Error(absl::StatusCode::kResourceExhausted, "out of memory", "OUT_OF_MEMORY");
}

/// `entry`: how often the job has entered the engine, this time included.
using Draw = std::function<absl::StatusOr<bool>(int entry, const GenerateCallbacks& callbacks)>;

class SeveralJobsTest : public testing::Test {
 protected:
  SeveralJobsTest() {
    engine_.generations = 8;
    options_.name = "worker-1";
    engine_.on_start = [this] { EXPECT_EQ(inside_, 0) << "a start beside a call"; };
    engine_.generate = [this](const v1::GenerateSpec& spec, const GenerationInputs&,
                              const GenerateCallbacks& callbacks) {
      const Entered entered(*this);
      const int entry = ++EntriesOf(spec.prompt());
      const auto found = draws_.find(spec.prompt());
      return found == draws_.end() ? Finished(callbacks) : found->second(entry, callbacks);
    };
    engine_.train = [this](const auto&, const auto&, const TrainCallbacks& callbacks) {
      const Entered entered(*this);
      return train_(++EntriesOf("training"), callbacks);
    };
  }

  ~SeveralJobsTest() override { Stop(); }

  struct Entered {
    explicit Entered(SeveralJobsTest& test) : test_(test) {
      const int inside = ++test_.inside_;
      if (inside > test_.most_inside_) test_.most_inside_ = inside;
    }
    ~Entered() { --test_.inside_; }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    SeveralJobsTest& test_;
  };

  std::atomic<int>& EntriesOf(const std::string& job) {
    const std::lock_guard lock(mutex_);
    return entries_[job];
  }

  static absl::StatusOr<bool> Finished(const GenerateCallbacks& callbacks) {
    callbacks.on_picture(0, {.bytes = TinyPng("picture")});
    return true;
  }

  /// Steps until the job is told to stop.
  static absl::StatusOr<bool> Endless(const GenerateCallbacks& callbacks) {
    const bool stopped = Eventually([&] { return !callbacks.on_step(1, 1000); });
    EXPECT_TRUE(stopped);
    return false;
  }

  static void AddGeneration(const std::string& job, v1::LeaseResponse& response) {
    auto& leased = AddJob(job, response);
    auto& spec = *leased.mutable_spec()->mutable_generate();
    spec.set_prompt(job);
    spec.set_picture_count(1);
    spec.add_seeds(7);
  }

  static v1::LeasedJob& AddJob(const std::string& job, v1::LeaseResponse& response) {
    response.mutable_ttl()->set_seconds(30);
    auto& leased = *response.add_jobs();
    leased.set_job(job);
    leased.set_lease_id("lease of " + job);
    leased.set_attempt(1);
    return leased;
  }

  static v1::LeaseResponse Generations(const std::vector<std::string>& jobs) {
    v1::LeaseResponse response;
    for (const std::string& job : jobs) AddGeneration(job, response);
    return response;
  }

  v1::LeaseResponse Training(const std::string& job = "training") {
    v1::LeaseResponse response;
    auto& leased = AddJob(job, response);
    leased.mutable_spec()->mutable_train()->set_steps(120);
    *leased.add_pictures()->mutable_blob() = link_.Stored("a picture");
    return response;
  }

  void Start() {
    worker_ = std::async(std::launch::async, [this] {
      Worker worker(link_, engine_, clock_, pause_, Log::Off(), options_);
      return worker.Run(stop_.get_token());
    });
  }

  void Stop() {
    stop_.request_stop();
    if (!worker_.valid()) return;
    ASSERT_EQ(worker_.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    EXPECT_THAT(worker_.get(), IsOk());
  }

  /// Runs until `jobs` have been finished.
  void RunUntilFinished(size_t jobs) {
    Start();
    EXPECT_TRUE(link_.WaitForCalls("Finish", jobs));
    Stop();
  }

  bool AreInside(int jobs) const {
    return Eventually([&] { return inside_ == jobs; });
  }

  std::vector<std::string> JobsWith(v1::FinishRequest::OutcomeCase outcome) const {
    std::vector<std::string> jobs;
    for (const v1::FinishRequest& finish : link_.finishes()) {
      if (finish.outcome_case() == outcome) jobs.push_back(finish.job());
    }
    return jobs;
  }

  std::vector<v1::Event> EventsOf(const std::string& job) const {
    std::vector<v1::Event> events;
    for (const v1::ReportRequest& report : link_.reports()) {
      if (report.job() != job) continue;
      events.insert(events.end(), report.events().begin(), report.events().end());
    }
    return events;
  }

  std::vector<std::string> Drawn() const { return JobsWith(v1::FinishRequest::kGenerated); }

  FakeClock clock_;
  FakePause pause_{clock_};
  FakeServerLink link_;
  FakeEngine engine_;
  WorkerOptions options_;
  std::map<std::string, Draw> draws_;  // by job; others finish at once
  std::function<absl::StatusOr<TrainedAdapter>(int entry, const TrainCallbacks&)> train_ =
      [](int, const TrainCallbacks&) { return TrainedAdapter{.safetensors = "adapter"}; };
  std::atomic<int> inside_{0};  // calls in the engine now
  std::atomic<int> most_inside_{0};
  std::mutex mutex_;  // guards entries_
  std::map<std::string, std::atomic<int>> entries_;
  std::stop_source stop_;
  std::future<absl::Status> worker_;
};

TEST_F(SeveralJobsTest, GenerationsOfOneLeaseAreInTheEngineTogether) {
  const std::vector<std::string> jobs = {"jobs/1", "jobs/2", "jobs/3", "jobs/4"};
  link_.lease_script = {Generations(jobs)};
  for (const std::string& job : jobs) {
    draws_[job] = [this](int, const GenerateCallbacks& callbacks) {
      EXPECT_TRUE(Eventually([&] { return most_inside_ == 4; }));
      return Finished(callbacks);
    };
  }

  RunUntilFinished(4);

  EXPECT_THAT(Drawn(), UnorderedElementsAreArray(jobs));
  EXPECT_EQ(link_.leases()[0].max_jobs(), 4);
  EXPECT_THAT(link_.leases()[0].kinds(), IsEmpty()) << "all";
}

TEST_F(SeveralJobsTest, AJobJoinsWhileAnotherRuns) {
  link_.lease_script = {Generations({"jobs/1"}), Generations({"jobs/2"})};
  draws_["jobs/1"] = [this](int, const GenerateCallbacks& callbacks) {
    EXPECT_TRUE(link_.WaitForCalls("Finish", 1)) << "the second comes and goes";
    return Finished(callbacks);
  };

  RunUntilFinished(2);

  EXPECT_THAT(Drawn(), ElementsAre("jobs/2", "jobs/1"));
  EXPECT_EQ(link_.leases()[1].max_jobs(), 3);
}

TEST_F(SeveralJobsTest, AJobThatEndsMakesRoomForTheNextAtOnce) {
  std::atomic<bool> ends{false};
  link_.lease_script = {Generations({"jobs/1", "jobs/2", "jobs/3", "jobs/4"})};
  for (const std::string job : {"jobs/1", "jobs/2", "jobs/3", "jobs/4"})
    draws_[job] = [&](int, const auto& callbacks) { return Endless(callbacks); };
  draws_["jobs/1"] = [&](int, const GenerateCallbacks& callbacks) {
    EXPECT_TRUE(Eventually([&] { return ends.load(); }));
    return Finished(callbacks);
  };
  Start();
  ASSERT_TRUE(AreInside(4));
  ASSERT_TRUE(link_.WaitForCalls("Lease", 2)) << "for a training";
  ends = true;
  ASSERT_TRUE(link_.WaitForCalls("Lease", 3));
  Stop();

  const auto leases = link_.leases();
  EXPECT_THAT(leases[1].kinds(), ElementsAre(v1::JOB_KIND_TRAINING, v1::JOB_KIND_EVALUATION));
  EXPECT_EQ(leases[1].max_jobs(), 1);
  EXPECT_THAT(leases[2].kinds(), IsEmpty());
  EXPECT_EQ(leases[2].nonce(), leases[1].nonce()) << "what the call before was given is not lost";
}

TEST_F(SeveralJobsTest, ACancelEndsOneJob) {
  link_.lease_script = {Generations({"jobs/1", "jobs/2"})};
  link_.AnswerReportsOf("jobs/1", AnswerWith(v1::DIRECTIVE_CANCEL));
  draws_["jobs/1"] = [](int, const auto& callbacks) { return Endless(callbacks); };
  draws_["jobs/2"] = [this](int, const GenerateCallbacks& callbacks) {
    EXPECT_TRUE(link_.WaitForCalls("Finish", 1));
    EXPECT_TRUE(callbacks.on_step(1, 10));
    return Finished(callbacks);
  };

  RunUntilFinished(2);

  EXPECT_THAT(JobsWith(v1::FinishRequest::kCancelled), ElementsAre("jobs/1"));
  EXPECT_THAT(Drawn(), ElementsAre("jobs/2"));
}

TEST_F(SeveralJobsTest, ALostLeaseEndsOneJob) {
  std::atomic<bool> ended{false};
  link_.lease_script = {Generations({"jobs/1", "jobs/2"})};
  link_.AnswerReportsOf("jobs/1", absl::AbortedError("stale"));
  draws_["jobs/1"] = [&](int, const GenerateCallbacks& callbacks) {
    const auto stopped = Endless(callbacks);
    ended = true;
    return stopped;
  };
  draws_["jobs/2"] = [&](int, const GenerateCallbacks& callbacks) {
    EXPECT_TRUE(Eventually([&] { return ended.load(); }));
    EXPECT_TRUE(callbacks.on_step(1, 10));
    return Finished(callbacks);
  };

  RunUntilFinished(1);

  EXPECT_EQ(link_.finishes().size(), 1u);
  EXPECT_THAT(Drawn(), ElementsAre("jobs/2"));
}

TEST_F(SeveralJobsTest, AStopReleasesAllJobs) {
  const std::vector<std::string> jobs = {"jobs/1", "jobs/2", "jobs/3"};
  link_.lease_script = {Generations(jobs)};
  for (const std::string& job : jobs) {
    draws_[job] = [](int, const auto& callbacks) { return Endless(callbacks); };
  }
  Start();
  ASSERT_TRUE(AreInside(3));

  Stop();

  EXPECT_THAT(JobsWith(v1::FinishRequest::kReleased), UnorderedElementsAreArray(jobs));
}

TEST_F(SeveralJobsTest, AfterALostEngineEachJobIsTriedAloneAndOnlyTheOneAtFaultHasCrashed) {
  const std::vector<std::string> jobs = {"jobs/1", "jobs/2", "jobs/3", "jobs/4"};
  link_.lease_script = {Generations(jobs)};
  std::atomic<int> alone{0};
  for (const std::string& job : jobs) {
    draws_[job] = [&, job](int entry, const GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
      if (entry == 1) {
        EXPECT_TRUE(Eventually([&] { return most_inside_ == 4; }));
        return Died();
      }
      EXPECT_EQ(inside_, 1);
      ++alone;
      return job == "jobs/2" ? Died() : Finished(callbacks);
    };
  }

  RunUntilFinished(4);

  EXPECT_EQ(alone, 4);
  EXPECT_THAT(Drawn(), UnorderedElementsAre("jobs/1", "jobs/3", "jobs/4"));
  EXPECT_THAT(JobsWith(v1::FinishRequest::kFailure), ElementsAre("jobs/2"));
  for (const v1::FinishRequest& finish : link_.finishes()) {
    EXPECT_EQ(finish.failure().crashed(), finish.job() == "jobs/2");
  }
}

TEST_F(SeveralJobsTest, ALoneTryReportsNothingTwice) {
  link_.lease_script = {Generations({"jobs/1", "jobs/2"})};
  for (const std::string job : {"jobs/1", "jobs/2"}) {
    draws_[job] = [&](int entry, const GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
      EXPECT_TRUE(Eventually([&] { return most_inside_ == 2; }));
      callbacks.on_warning("NOTE", "each try says this");
      for (int step = 1; step <= entry + 1; ++step) EXPECT_TRUE(callbacks.on_step(step, 3));
      callbacks.on_preview(0, 2, {.bytes = TinyPng("preview")});
      callbacks.on_picture(0, {.bytes = TinyPng("picture")});
      if (entry == 1) return Died();
      return true;
    };
  }

  RunUntilFinished(2);

  for (const char* job : {"jobs/1", "jobs/2"}) {
    std::vector<std::string> told;
    std::vector<int64_t> steps;
    for (const v1::Event& event : EventsOf(job)) {
      if (event.has_warning()) told.push_back(event.warning().reason());
      if (event.has_preview()) told.emplace_back("preview");
      if (event.has_picture()) told.emplace_back("picture");
      if (event.has_progress()) steps.push_back(event.progress().step());
    }
    EXPECT_THAT(told, ElementsAre("NOTE", "preview", "picture", "ENGINE_RESTARTED"));
    ASSERT_THAT(steps, testing::Not(IsEmpty()));
    EXPECT_EQ(steps.back(), 3);
    EXPECT_EQ(std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()), steps.end());
  }
  EXPECT_EQ(Drawn().size(), 2u);
}

TEST_F(SeveralJobsTest, AJobThatLosesTheEngineAloneIsNotTriedAgain) {
  link_.lease_script = {Generations({"jobs/1"})};
  draws_["jobs/1"] = [](int, const auto&) { return Died(); };

  RunUntilFinished(1);

  EXPECT_EQ(entries_["jobs/1"], 1);
  EXPECT_TRUE(link_.finishes()[0].failure().crashed());
}

TEST_F(SeveralJobsTest, AJobThatIsOutOfMemoryWaitsForTheOthersAndRunsAlone) {
  std::atomic<bool> refused{false};
  link_.lease_script = {Generations({"jobs/1", "jobs/2", "jobs/3"}), Generations({"jobs/4"})};
  draws_["jobs/1"] = [&](int entry, const GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
    EXPECT_TRUE(Eventually([&] { return most_inside_ >= 3; }));
    if (entry == 1) {
      refused = true;
      return OutOfMemory();
    }
    EXPECT_EQ(inside_, 1);
    EXPECT_EQ(engine_.restarts, 1);
    return Finished(callbacks);
  };
  for (const std::string job : {"jobs/2", "jobs/3"}) {
    draws_[job] = [&](int, const GenerateCallbacks& callbacks) {
      EXPECT_TRUE(Eventually([&] { return refused.load(); }));
      EXPECT_TRUE(callbacks.on_step(1, 10));
      return Finished(callbacks);
    };
  }

  RunUntilFinished(4);

  EXPECT_THAT(Drawn(), UnorderedElementsAre("jobs/1", "jobs/2", "jobs/3", "jobs/4"));
  EXPECT_EQ(entries_["jobs/2"], 1);
}

TEST_F(SeveralJobsTest, AnIdleWorkerWithPlacesLeftBacksOff) {
  link_.lease_script = {Generations({"jobs/1"}), v1::LeaseResponse(), v1::LeaseResponse()};
  draws_["jobs/1"] = [](int, const auto& callbacks) { return Endless(callbacks); };
  Start();
  ASSERT_TRUE(link_.WaitForCalls("Lease", 4));
  Stop();

  ASSERT_GE(pause_.waits.size(), 2u);
  EXPECT_GT(pause_.waits[0], absl::ZeroDuration());
}

TEST_F(SeveralJobsTest, GenerationsRunBesideATraining) {
  link_.lease_script = {Training(), Generations({"jobs/1"})};
  train_ = [this](int, const TrainCallbacks&) {
    EXPECT_TRUE(link_.WaitForCalls("Finish", 1)) << "the generation ends first";
    return TrainedAdapter{.safetensors = "adapter"};
  };
  draws_["jobs/1"] = [this](int, const GenerateCallbacks& callbacks) {
    EXPECT_TRUE(AreInside(2));
    return Finished(callbacks);
  };

  RunUntilFinished(2);

  EXPECT_THAT(link_.leases()[1].kinds(), ElementsAre(v1::JOB_KIND_GENERATION));
  EXPECT_EQ(link_.leases()[1].max_jobs(), 4);
  EXPECT_THAT(Drawn(), ElementsAre("jobs/1"));
  EXPECT_THAT(JobsWith(v1::FinishRequest::kTrained), ElementsAre("training"));
}

TEST_F(SeveralJobsTest, AJobThatDoesNotFitBesideATrainingIsGivenBackUntilTheTrainingEnds) {
  std::atomic<bool> ends{false};
  link_.lease_script = {Training(), Generations({"jobs/1"})};
  train_ = [&](int, const TrainCallbacks&) {
    EXPECT_TRUE(Eventually([&] { return ends.load(); }));
    return TrainedAdapter{.safetensors = "adapter"};
  };
  draws_["jobs/1"] = [this](int, const auto&) {
    EXPECT_TRUE(AreInside(2));
    return OutOfMemory();
  };
  Start();
  ASSERT_TRUE(link_.WaitForCalls("Finish", 1));
  EXPECT_THAT(JobsWith(v1::FinishRequest::kReleased), ElementsAre("jobs/1"));
  EXPECT_TRUE(Eventually([&] { return EntriesOf("jobs/1") == 1; }));
  ends = true;
  ASSERT_TRUE(link_.WaitForCalls("Finish", 2));
  const auto asks_for_all = [&] {
    const auto leases = link_.leases();
    return leases.back().kinds().empty();
  };
  EXPECT_TRUE(Eventually(asks_for_all));
  Stop();

  EXPECT_EQ(engine_.restarts, 0);
  EXPECT_THAT(JobsWith(v1::FinishRequest::kTrained), ElementsAre("training"));
}

TEST_F(SeveralJobsTest, ATrainingThatLosesTheEngineBesideOthersGoesOnAfterTheirLoneTries) {
  link_.lease_script = {Training(), Generations({"jobs/1"})};
  train_ = [&](int entry, const TrainCallbacks&) -> absl::StatusOr<TrainedAdapter> {
    if (entry == 1) {
      EXPECT_TRUE(Eventually([&] { return most_inside_ == 2; }));
      return Died();
    }
    EXPECT_EQ(EntriesOf("jobs/1"), 2) << "generations come first";
    EXPECT_EQ(inside_, 1);
    return TrainedAdapter{.safetensors = "adapter"};
  };
  draws_["jobs/1"] = [&](int entry, const GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
    EXPECT_TRUE(Eventually([&] { return most_inside_ == 2; }));
    if (entry == 1) return Died();
    EXPECT_EQ(inside_, 1);
    return Finished(callbacks);
  };

  RunUntilFinished(2);

  EXPECT_THAT(Drawn(), ElementsAre("jobs/1"));
  EXPECT_THAT(JobsWith(v1::FinishRequest::kTrained), ElementsAre("training"));
}

TEST_F(SeveralJobsTest, AJobWithoutRoomIsGivenBack) {
  link_.lease_script = {Training("training"), Training("jobs/2")};
  train_ = [this](int, const TrainCallbacks&) {
    EXPECT_TRUE(link_.WaitForCalls("Finish", 1));
    return TrainedAdapter{.safetensors = "adapter"};
  };

  RunUntilFinished(2);

  EXPECT_THAT(JobsWith(v1::FinishRequest::kReleased), ElementsAre("jobs/2"));
  EXPECT_THAT(JobsWith(v1::FinishRequest::kTrained), ElementsAre("training"));
  EXPECT_EQ(most_inside_, 1);
}

TEST_F(SeveralJobsTest, ABatchOfOneJobIsOneJobAtATime) {
  options_.batch_jobs = 1;
  link_.lease_script = {Training(), Generations({"jobs/1"}), Generations({"jobs/2"})};

  RunUntilFinished(3);

  EXPECT_EQ(most_inside_, 1);
  for (const v1::LeaseRequest& lease : link_.leases()) {
    EXPECT_EQ(lease.max_jobs(), 1);
    EXPECT_THAT(lease.kinds(), IsEmpty());
  }
  const auto calls = link_.calls();
  EXPECT_EQ(std::count(calls.begin(), std::find(calls.begin(), calls.end(), "Finish"), "Lease"), 1)
      << "the next lease comes after the end of the job";
}

TEST_F(SeveralJobsTest, TheEngineLimitsTheJobsAtOnce) {
  engine_.generations = 2;
  Start();
  ASSERT_TRUE(link_.WaitForCalls("Lease", 1));
  Stop();
  EXPECT_EQ(link_.leases()[0].max_jobs(), 2);
}

TEST_F(SeveralJobsTest, ARefusalEndsTheWorkerAndReleasesItsJobs) {
  link_.lease_script = {Generations({"jobs/1"}), absl::PermissionDeniedError("not a worker")};
  draws_["jobs/1"] = [](int, const auto& callbacks) { return Endless(callbacks); };
  Worker worker(link_, engine_, clock_, pause_, Log::Off(), options_);

  EXPECT_THAT(worker.Run(stop_.get_token()), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(JobsWith(v1::FinishRequest::kReleased), ElementsAre("jobs/1"));
}

}  // namespace
}  // namespace vico::worker
