// Several jobs on one worker, as real processes: generations together, and beside a training.
#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "common/ids.h"
#include "tests/end_to_end/training_fixture.h"
#include "vico/v1/job_service.grpc.pb.h"

namespace vico::end_to_end {
namespace {

constexpr int kPrompts = 4;  // of a generation, so that it takes seconds

/// Queues a generation and returns its name.
std::string Queued(const Cluster& cluster, const v1::GenerateSpec& spec) {
  const auto stub = v1::JobService::NewStub(
      grpc::CreateChannel(cluster.address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::CreateGenerationJobRequest request;
  request.set_request_id(NewId());
  *request.mutable_generate() = spec;
  v1::Job job;
  const grpc::Status status = stub->CreateGenerationJob(&context, request, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job.name();
}

class BatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartServer());
    ASSERT_TRUE(cluster_.StartWorker());
    client_ = cluster_.NewClient();
  }

  /// Queues four generations that take seconds, and waits until all of them draw.
  void StartFour() {
    for (int i = 0; i < 4; ++i) {
      v1::GenerateSpec spec;
      for (int prompt = 0; prompt < kPrompts; ++prompt) spec.add_prompts("a robot");
      spec.set_steps(100);
      spec.add_seeds(static_cast<uint64_t>(i));
      jobs_.push_back(Queued(cluster_, spec));
    }
    ASSERT_TRUE(Eventually([this] { return AllAre(v1::JOB_STATE_RUNNING); }));
  }

  bool AllAre(v1::JobState state) const {
    return std::all_of(jobs_.begin(), jobs_.end(), [&](const std::string& name) {
      const auto job = client_->GetJob(name);
      return job.ok() && job->state() == state && job->step() > 0;
    });
  }

  void ExpectAllSucceed(int attempt) {
    for (const std::string& job : jobs_) {
      Watcher watcher(cluster_.NewClient(), job);
      const auto last = watcher.WaitForEnd();
      ASSERT_TRUE(last.ok()) << last.status() << cluster_.worker_log();
      EXPECT_TRUE(last->has_succeeded()) << last->ShortDebugString() << cluster_.worker_log();
      EXPECT_TRUE(AreConsecutive(watcher.events()));
      EXPECT_EQ(client_->GetJob(job)->attempt(), attempt);
      EXPECT_EQ(client_->GetJob(job)->pictures_size(), kPrompts);
    }
  }

  Cluster cluster_;
  std::unique_ptr<client::Client> client_;
  std::vector<std::string> jobs_;
};

TEST_F(BatchTest, FourGenerationsDrawTogether) {
  StartFour();
  ExpectAllSucceed(1);
}

TEST_F(BatchTest, AfterAnEngineIsKilledItsJobsEndUnderTheirLeases) {
  StartFour();
  const pid_t engine = cluster_.EnginePid();
  ASSERT_GT(engine, 0);
  ASSERT_EQ(kill(engine, SIGKILL), 0);
  ExpectAllSucceed(1);
  EXPECT_TRUE(cluster_.worker().Running());
}

TEST_F(BatchTest, AWorkerThatIsKilledLosesNoJob) {
  StartFour();
  cluster_.worker().Kill();
  ASSERT_TRUE(cluster_.StartWorker());
  ExpectAllSucceed(2);
}

TEST_F(BatchTest, AStoppedWorkerReturnsAllItsJobs) {
  StartFour();
  cluster_.worker().Signal(SIGTERM);
  EXPECT_EQ(cluster_.worker().Wait(std::chrono::seconds(60)), 0) << cluster_.worker_log();
  for (const std::string& job : jobs_) {
    EXPECT_EQ(client_->GetJob(job)->state(), v1::JOB_STATE_QUEUED);
  }
}

class BesideATrainingTest : public TrainingTest {};

TEST_F(BesideATrainingTest, AGenerationEndsBeforeATrainingThatKeepsItsBits) {
  Watcher watcher(cluster_.NewClient(), job_);
  ASSERT_TRUE(watcher.WaitForStep(5));
  v1::GenerateSpec spec;
  spec.set_prompt("a robot");
  spec.set_steps(4);
  Watcher drawing(cluster_.NewClient(), Queued(cluster_, spec));
  const auto drawn = drawing.WaitForEnd();
  ASSERT_TRUE(drawn.ok() && drawn->has_succeeded()) << cluster_.worker_log();
  ExpectStillRunning();
  ExpectCompleteSuccess(watcher);
  ExpectSameAdapterUndisturbed();
}

}  // namespace
}  // namespace vico::end_to_end
