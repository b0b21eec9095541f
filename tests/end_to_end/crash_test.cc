// kill -9 in the middle of a training, of the server, the worker and its engine: the job finishes
// with the bits it would have had, and its watchers miss nothing.
#include <csignal>
#include <string>

#include "tests/end_to_end/training_fixture.h"

namespace vico {
namespace {

constexpr int kCheckpointStep = 50;  // the first that a worker keeps

class CrashTest : public TrainingTest {
 protected:
  // The worker's engine; it is the only child.
  pid_t EnginePid() {
    const std::string pid = std::to_string(cluster_.worker().pid());
    const std::string children = ReadFile("/proc/" + pid + "/task/" + pid + "/children");
    return children.empty() ? 0 : std::stoi(children);
  }
};

TEST_F(CrashTest, AKilledServerComesBackAndTheJobFinishes) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectInTheMiddle();
  cluster_.server().Kill();
  ASSERT_TRUE(cluster_.StartServer());
  ExpectWholeEnd(watcher);
}

TEST_F(CrashTest, AKilledWorkersJobGoesOnFromItsCheckpointToTheSameAdapter) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitFor(IsCheckpoint));
  ExpectInTheMiddle();
  const pid_t engine = EnginePid();
  ASSERT_GT(engine, 0);
  cluster_.worker().Kill();
  EXPECT_TRUE(Eventually([&] { return kill(engine, 0) != 0; }));  // nobody is left to compute
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectWholeEnd(watcher);
  EXPECT_EQ(client_->GetJob(job_)->attempt(), 2);
  EXPECT_GT(FirstStepOfSecondAttempt(watcher.events()), kCheckpointStep);
  ExpectSameAdapterUndisturbed();
}

TEST_F(CrashTest, AKilledEngineIsReplacedAndItsJobGoesOn) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitFor(IsCheckpoint));
  ExpectInTheMiddle();
  ASSERT_EQ(kill(EnginePid(), SIGKILL), 0);
  ExpectWholeEnd(watcher);
  EXPECT_TRUE(cluster_.worker().Running());
  EXPECT_EQ(client_->GetJob(job_)->attempt(), 2);
  EXPECT_GT(FirstStepOfSecondAttempt(watcher.events()), kCheckpointStep);
  ExpectSameAdapterUndisturbed();
}

TEST_F(CrashTest, AnEngineThatHangsIsKilledAndItsJobGoesOn) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectInTheMiddle();
  ASSERT_EQ(kill(EnginePid(), SIGSTOP), 0);
  ExpectWholeEnd(watcher);
  EXPECT_TRUE(cluster_.worker().Running());
  EXPECT_EQ(client_->GetJob(job_)->attempt(), 2);
}

TEST_F(CrashTest, BothKilledAndTheJobStillFinishes) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectInTheMiddle();
  cluster_.worker().Kill();
  cluster_.server().Kill();
  ASSERT_TRUE(cluster_.StartServer());
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectWholeEnd(watcher);
}

}  // namespace
}  // namespace vico
