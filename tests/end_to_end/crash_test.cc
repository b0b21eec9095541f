// Server, worker and engine are killed in the middle of a training. The job finishes with the same
// bits as an undisturbed one, and its watchers miss no event.
#include <csignal>
#include <string>
#include <vector>

#include "tests/end_to_end/training_fixture.h"

namespace vico::end_to_end {
namespace {

constexpr int kCheckpointStep = 50;  // of the first checkpoint

class CrashTest : public TrainingTest {
 protected:
  void ExpectOneAttemptWithARestart(const std::vector<v1::Event>& events) {
    EXPECT_EQ(client_->GetJob(job_)->attempt(), 1);
    int restarts = 0;
    int64_t last = 0;
    for (const v1::Event& event : events) {
      if (event.warning().reason() == "ENGINE_RESTARTED") ++restarts;
      if (!event.has_progress()) continue;
      EXPECT_GT(event.progress().step(), last) << "progress counts once";
      last = event.progress().step();
    }
    EXPECT_EQ(restarts, 1);
    EXPECT_EQ(last, kTrainingSteps);
  }
};

TEST_F(CrashTest, AJobFinishesAfterTheServerIsKilled) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectStillRunning();
  cluster_.server().Kill();
  ASSERT_TRUE(cluster_.StartServer());
  ExpectCompleteSuccess(watcher);
}

TEST_F(CrashTest, AJobResumesFromItsCheckpointAfterTheWorkerIsKilled) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitFor(IsCheckpoint));
  ExpectStillRunning();
  const pid_t engine = cluster_.EnginePid();
  ASSERT_GT(engine, 0);
  cluster_.worker().Kill();
  EXPECT_TRUE(Eventually([&] { return kill(engine, 0) != 0; })) << "the engine still runs";
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectCompleteSuccess(watcher);
  EXPECT_EQ(client_->GetJob(job_)->attempt(), 2);
  EXPECT_GT(FirstStepOfSecondAttempt(watcher.events()), kCheckpointStep);
  ExpectSameAdapterUndisturbed();
}

TEST_F(CrashTest, AJobContinuesUnderItsLeaseAfterTheEngineIsKilled) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitFor(IsCheckpoint));
  ExpectStillRunning();
  const pid_t engine = cluster_.EnginePid();
  ASSERT_GT(engine, 0);
  ASSERT_EQ(kill(engine, SIGKILL), 0);
  ExpectCompleteSuccess(watcher);
  EXPECT_TRUE(cluster_.worker().Running());
  ExpectOneAttemptWithARestart(watcher.events());
  ExpectSameAdapterUndisturbed();
}

TEST_F(CrashTest, AHungEngineIsKilledAndTheJobFinishes) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectStillRunning();
  const pid_t engine = cluster_.EnginePid();
  ASSERT_GT(engine, 0);
  ASSERT_EQ(kill(engine, SIGSTOP), 0);
  ExpectCompleteSuccess(watcher);
  EXPECT_TRUE(cluster_.worker().Running());
  ExpectOneAttemptWithARestart(watcher.events());
}

TEST_F(CrashTest, AJobFinishesAfterServerAndWorkerAreKilled) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectStillRunning();
  cluster_.worker().Kill();
  cluster_.server().Kill();
  ASSERT_TRUE(cluster_.StartServer());
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectCompleteSuccess(watcher);
}

}  // namespace
}  // namespace vico::end_to_end
