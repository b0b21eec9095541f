// kill -9 in the middle of a training, of the server, the worker and its engine: the job finishes
// with the bits it would have had, and its watchers miss nothing.
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/cluster.h"
#include "tests/end_to_end/watcher.h"

namespace vico {
namespace {

constexpr int kSteps = 120;
constexpr int kCheckpointStep = 50;  // the first that a worker keeps

class CrashTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartServer());
    ASSERT_TRUE(cluster_.StartWorker());
    client_ = cluster_.NewClient();
    const auto uploaded = client_->UploadConcept(ExamplePictures(), "robot");
    ASSERT_TRUE(uploaded.ok()) << uploaded.status();
    spec_.set_concept_name(uploaded->name());
    spec_.set_init_word("robot");
    spec_.set_steps(kSteps);
    spec_.set_seed(7);
    const auto job = client_->CreateTrainingJob(spec_);
    ASSERT_TRUE(job.ok()) << job.status();
    job_ = job->name();
  }

  std::string AdapterDigest(const std::string& job) {
    const auto ended = client_->GetJob(job);
    if (!ended.ok()) return "";
    const auto adapter = client_->GetAdapter(ended->adapter());
    return adapter.ok() ? adapter->blob().sha256() : "";
  }

  // The same training again, which nobody disturbs.
  void ExpectSameAdapterUndisturbed() {
    const auto job = client_->CreateTrainingJob(spec_);
    ASSERT_TRUE(job.ok()) << job.status();
    Watcher watcher(cluster_.NewClient(), job->name());
    ASSERT_TRUE(watcher.WaitForEnd().ok());
    EXPECT_EQ(client_->GetJob(job->name())->attempt(), 1);
    EXPECT_THAT(AdapterDigest(job_), testing::SizeIs(64));
    EXPECT_EQ(AdapterDigest(job_), AdapterDigest(job->name()));
    // With its pictures, as people watch; it has a checkpoint on the way.
    const TempFolder folder;
    const Finished watched = cluster_.Vico({"jobs", "watch", job->name(), "--out", folder.path()});
    EXPECT_EQ(watched.exit_code, 0) << watched.err;
  }

  static bool IsCheckpoint(const v1::Event& event) { return event.has_checkpoint(); }

  // The steps that the job's second attempt reported.
  static int64_t FirstStepOfSecondAttempt(const std::vector<v1::Event>& events) {
    for (const v1::Event& event : events) {
      if (event.attempt() == 2 && event.has_progress()) return event.progress().step();
    }
    return 0;
  }

  // The worker's engine; it is the only child.
  pid_t EnginePid() {
    const std::string pid = std::to_string(cluster_.worker().pid());
    const std::string children = ReadFile("/proc/" + pid + "/task/" + pid + "/children");
    return children.empty() ? 0 : std::stoi(children);
  }

  // The job must be under way still, or the test would show nothing.
  void ExpectInTheMiddle() {
    const auto job = client_->GetJob(job_);
    ASSERT_TRUE(job.ok()) << job.status();
    ASSERT_EQ(job->state(), v1::JOB_STATE_RUNNING);
    ASSERT_LT(job->step(), kSteps);
  }

  void ExpectWholeEnd(Watcher& watcher) {
    const auto last = watcher.WaitForEnd();
    ASSERT_TRUE(last.ok()) << last.status() << cluster_.server_log() << cluster_.worker_log();
    ASSERT_TRUE(last->has_succeeded()) << last->ShortDebugString();
    EXPECT_TRUE(AreDense(watcher.events()));
    EXPECT_EQ(watcher.events().back().sequence(), last->sequence());
    const TempFolder folder;
    EXPECT_TRUE(client_->DownloadAdapter(last->succeeded().adapter(), folder.path() + "/a").ok());
  }

  Cluster cluster_;
  std::unique_ptr<Client> client_;
  v1::TrainSpec spec_;
  std::string job_;
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

TEST_F(CrashTest, AWorkerAskedToEndHandsItsJobBack) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectInTheMiddle();
  cluster_.worker().Signal(SIGTERM);
  EXPECT_EQ(cluster_.worker().Wait(std::chrono::seconds(60)), 0) << cluster_.worker_log();
  EXPECT_NE(client_->GetJob(job_)->state(), v1::JOB_STATE_FAILED);
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectWholeEnd(watcher);
  EXPECT_TRUE(watcher.WaitFor(IsCheckpoint));
  EXPECT_GT(FirstStepOfSecondAttempt(watcher.events()), 5);  // what was done is kept
  ExpectSameAdapterUndisturbed();
}

}  // namespace
}  // namespace vico
