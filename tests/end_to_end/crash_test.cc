// kill -9 in the middle of a training, of the server and of the worker: the job finishes, and its
// watchers miss nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/cluster.h"
#include "tests/end_to_end/watcher.h"

namespace vico {
namespace {

constexpr int kSteps = 120;

class CrashTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartServer());
    ASSERT_TRUE(cluster_.StartWorker());
    client_ = cluster_.NewClient();
    const auto uploaded = client_->UploadConcept(ExamplePictures(), "robot");
    ASSERT_TRUE(uploaded.ok()) << uploaded.status();
    v1::TrainSpec spec;
    spec.set_concept_name(uploaded->name());
    spec.set_init_word("robot");
    spec.set_steps(kSteps);
    spec.set_seed(7);
    const auto job = client_->CreateTrainingJob(spec);
    ASSERT_TRUE(job.ok()) << job.status();
    job_ = job->name();
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

TEST_F(CrashTest, AKilledWorkersJobGoesToTheNext) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  ExpectInTheMiddle();
  cluster_.worker().Kill();
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectWholeEnd(watcher);
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
}

}  // namespace
}  // namespace vico
