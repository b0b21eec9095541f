// A worker that is to end or to drain gives its training back at a step's end, with a checkpoint;
// another goes on from there, to the bits that nobody's disturbing would have made.
#include <csignal>
#include <map>
#include <vector>

#include "tests/end_to_end/training_fixture.h"

namespace vico {
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
    given_back_ = job->step();
    EXPECT_GE(given_back_, 5);
    EXPECT_TRUE(watcher.WaitFor([this](const v1::Event& event) {
      return event.has_checkpoint() && event.checkpoint().step() == given_back_;
    })) << "what was done is kept, to the last step";
  }

  void ExpectEndedElsewhere(Watcher& watcher) {
    ExpectWholeEnd(watcher);
    EXPECT_EQ(client_->GetJob(job_)->attempt(), 2);
    EXPECT_GT(FirstStepOfSecondAttempt(watcher.events()), given_back_);
    // No step is done twice and none is left out: each sample came once, from the attempt whose
    // step it was, or from the second if the drain came before it.
    std::map<int64_t, int32_t> attempts;  // by step
    for (const v1::Event& event : watcher.events()) {
      if (!event.has_sample()) continue;
      EXPECT_TRUE(attempts.try_emplace(event.sample().step(), event.attempt()).second);
    }
    EXPECT_EQ(attempts.size(), kTrainingSteps / kSampleEverySteps);
    for (const auto& [step, attempt] : attempts) {
      if (step == given_back_) continue;
      EXPECT_EQ(attempt, step < given_back_ ? 1 : 2) << step;
    }
    ExpectSameAdapterUndisturbed();
  }

  static std::string WorkerOf(const std::vector<v1::Event>& events, int32_t attempt) {
    for (const v1::Event& event : events) {
      if (event.attempt() == attempt && event.has_started()) return event.started().worker();
    }
    return "";
  }

  int64_t given_back_ = 0;  // the step
};

TEST_F(DrainTest, AWorkerAskedToEndGivesItsTrainingBack) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectInTheMiddle();
  cluster_.worker().Signal(SIGTERM);
  EXPECT_EQ(cluster_.worker().Wait(std::chrono::seconds(60)), 0) << cluster_.worker_log();
  ExpectBackInTheQueue(watcher);
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectEndedElsewhere(watcher);
}

TEST_F(DrainTest, AWorkerDrainedByItsOperatorGivesItsTrainingBackAndStays) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectInTheMiddle();
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
}  // namespace vico
