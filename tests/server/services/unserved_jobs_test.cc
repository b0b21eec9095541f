// Jobs that no worker can serve, and base models without a worker.
#include <chrono>
#include <vector>

#include <gmock/gmock.h>

#include "tests/server/services/job_service_fixture.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::server {
namespace {

using testing::IsEmpty;

class DrainedWorkerTest : public JobServiceTest {
 protected:
  void Drain(bool resume) {
    Call call;
    v1::DrainWorkerRequest request;
    request.set_name("worker-a");
    request.set_resume(resume);
    v1::Worker worker;
    const auto admin = v1::AdminService::NewStub(NewChannel(server_->worker_port()));
    ASSERT_THAT(FromGrpc(admin->DrainWorker(&call, request, &worker)), IsOk());
  }

  std::vector<v1::BaseModel> BaseModels() {
    Call call;
    v1::ListBaseModelsResponse response;
    EXPECT_THAT(FromGrpc(models_->ListBaseModels(&call, {}, &response)), IsOk());
    return {response.base_models().begin(), response.base_models().end()};
  }
};

TEST_F(DrainedWorkerTest, AJobThatNobodyServesIsWarnedAtSubmitAndWhileItWaits) {
  const auto served = Create(GenerationOf());
  ASSERT_THAT(served, IsOk());
  EXPECT_FALSE(served->base_model_unavailable());
  Drain(/*resume=*/false);
  const auto request = GenerationOf();
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_TRUE(job->base_model_unavailable());
  EXPECT_TRUE(Create(request)->base_model_unavailable()) << "a repeat";
  EXPECT_TRUE(JobNow(job->name()).base_model_unavailable());
  EXPECT_TRUE(JobNow(served->name()).base_model_unavailable());
  v1::CreateGenerationJobRequest draft = GenerationOf();
  draft.set_validate_only(true);
  EXPECT_TRUE(Create(draft)->base_model_unavailable());
  Drain(/*resume=*/true);
  EXPECT_FALSE(JobNow(job->name()).base_model_unavailable());
  ASSERT_THAT(Cancel(served->name()), IsOk());
  DrawAndFinish(Leased());
  const auto watched = Watch(job->name(), 0);
  ASSERT_THAT(watched, IsOk());
  ASSERT_GE(watched->size(), 2u);
  EXPECT_EQ((*watched)[1].event().warning().reason(), "BASE_MODEL_UNAVAILABLE");
  EXPECT_FALSE(JobNow(job->name()).base_model_unavailable()) << "it does not wait";
}

TEST_F(JobServiceTest, ATrainingWaitsForAWorkerWithAsManyDevices) {
  auto request = TrainingOf(UploadedConcept());
  request.mutable_train()->set_batch_size(4);
  request.mutable_train()->set_devices(2);
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_TRUE(job->base_model_unavailable());
  const auto nothing = Lease(std::chrono::milliseconds(0));
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ(nothing->jobs_size(), 0);

  ASSERT_THAT(Register(kTestBase, /*devices=*/2), IsOk());
  EXPECT_FALSE(JobNow(job->name()).base_model_unavailable());
  const auto leased = Lease(std::chrono::milliseconds(0), "nonce-2", /*devices=*/2);
  ASSERT_THAT(leased, IsOk());
  ASSERT_EQ(leased->jobs_size(), 1);
  EXPECT_EQ(leased->jobs(0).spec().train().devices(), 2);
  ASSERT_THAT(Cancel(job->name()), IsOk());
  v1::FinishRequest finish;
  finish.mutable_cancelled();
  ASSERT_THAT(Finish(finish, leased->jobs(0)), IsOk());
  const auto watched = Watch(job->name(), 0);
  ASSERT_THAT(watched, IsOk());
  ASSERT_GE(watched->size(), 2u);
  EXPECT_EQ((*watched)[1].event().warning().reason(), "NO_WORKER_WITH_DEVICES");
  EXPECT_THAT((*watched)[1].event().warning().message(), testing::HasSubstr("with 2 devices"));
}

TEST_F(DrainedWorkerTest, ABaseModelThatNobodyServesIsListedToThoseWhoNeedIt) {
  Drain(/*resume=*/false);
  EXPECT_THAT(BaseModels(), IsEmpty());
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  ASSERT_EQ(BaseModels().size(), 1u);
  EXPECT_FALSE(BaseModels()[0].available());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  EXPECT_THAT(BaseModels(), IsEmpty());
}

TEST_F(DrainedWorkerTest, ABaseModelThatNobodyServesIsNoChoice) {
  Drain(/*resume=*/false);
  ASSERT_THAT(RegisterOther("baseModels/other"), IsOk());
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->spec().generate().base_model(), "baseModels/other");
}

class NoWorkerTest : public ServerTest {};

TEST_F(NoWorkerTest, WithoutABaseModelJobsAreRefused) {
  EXPECT_THAT(Create(GenerationOf()), HasReason("NO_BASE_MODEL"));
  EXPECT_THAT(Create(TrainingOf(UploadedConcept())), HasReason("NO_BASE_MODEL"));
}

}  // namespace
}  // namespace vico::server
