// A worker that stops or drains returns its training to the queue at the end of a step, with a
// checkpoint. Another worker resumes it and ends with the same bits as an undisturbed training.
#include <csignal>
#include <map>
#include <vector>

#include "tests/end_to_end/training_fixture.h"

namespace vico::end_to_end {
namespace {

constexpr int kSampleEverySteps = 10;

class DrainTest : public TrainingTest {
 protected:
  DrainTest() { spec_.set_sample_every_steps(kSampleEverySteps); }

  Finished Admin(const std::vector<std::string>& words) const {
    std::vector<std::string> command = {VICO_BINARY, "admin"};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--server", cluster_.worker_address(), "--json"});
    return RunToEnd(command);
  }

  void ExpectBackInTheQueue(Watcher& watcher) {
    EXPECT_TRUE(Eventually([&] { return client_->GetJob(job_)->state() == v1::JOB_STATE_QUEUED; }));
    const auto job = client_->GetJob(job_);
    ASSERT_TRUE(job.ok()) << job.status();
    ASSERT_EQ(job->state(), v1::JOB_STATE_QUEUED);
    EXPECT_EQ(job->attempt(), 1);
    released_step_ = job->step();
    EXPECT_GE(released_step_, 5);
    EXPECT_TRUE(watcher.WaitFor([this](const v1::Event& event) {
      return event.has_checkpoint() && event.checkpoint().step() == released_step_;
    })) << "the checkpoint must contain the last step";
  }

  void ExpectEndedElsewhere(Watcher& watcher) {
    ExpectCompleteSuccess(watcher);
    EXPECT_EQ(client_->GetJob(job_)->attempt(), 2);
    EXPECT_GT(FirstStepOfSecondAttempt(watcher.events()), released_step_);
    // No step is repeated or skipped: each sample is sent once, by the attempt that ran its step.
    // The sample of the released step may come from either attempt.
    std::map<int64_t, int32_t> attempts;  // by step
    for (const v1::Event& event : watcher.events()) {
      if (!event.has_sample()) continue;
      EXPECT_TRUE(attempts.try_emplace(event.sample().step(), event.attempt()).second);
    }
    EXPECT_EQ(attempts.size(), kTrainingSteps / kSampleEverySteps);
    for (const auto& [step, attempt] : attempts) {
      if (step == released_step_) continue;
      EXPECT_EQ(attempt, step < released_step_ ? 1 : 2) << step;
    }
    ExpectSameAdapterUndisturbed();
  }

  static std::string WorkerOf(const std::vector<v1::Event>& events, int32_t attempt) {
    for (const v1::Event& event : events) {
      if (event.attempt() == attempt && event.has_started()) return event.started().worker();
    }
    return "";
  }

  int64_t released_step_ = 0;
};

TEST_F(DrainTest, AWorkerReleasesItsTrainingOnSigterm) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectStillRunning();
  cluster_.worker().Signal(SIGTERM);
  EXPECT_EQ(cluster_.worker().Wait(std::chrono::seconds(60)), 0) << cluster_.worker_log();
  ExpectBackInTheQueue(watcher);
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectEndedElsewhere(watcher);
}

TEST_F(DrainTest, ADrainedWorkerReleasesItsTrainingAndKeepsRunning) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectStillRunning();
  const std::string drained = WorkerOf(watcher.events(), 1);
  const Finished drain = Admin({"drain", drained});
  ASSERT_EQ(drain.exit_code, 0) << drain.err;
  ExpectBackInTheQueue(watcher);
  EXPECT_TRUE(cluster_.worker().Running());
  const Finished workers = Admin({"workers"});
  EXPECT_THAT(workers.out,
              testing::AllOf(testing::HasSubstr(drained), testing::HasSubstr("\"draining\":true"),
                             testing::HasSubstr("\"jobs\":[]")))
      << workers.err;

  ProcessOptions options;
  options.out = options.err = cluster_.folder() + "/second.log";
  std::vector<std::string> command = cluster_.WorkerCommand(TinyBase());
  command.insert(command.end(), {"--name", "second"});
  const Process second(command, options);
  ExpectEndedElsewhere(watcher);
  EXPECT_EQ(WorkerOf(watcher.events(), 2), "second");
  EXPECT_TRUE(cluster_.worker().Running());
}

}  // namespace
}  // namespace vico::end_to_end
