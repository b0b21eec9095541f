#include "server/services/job_service.h"

#include <future>

#include <gmock/gmock.h>

#include "tests/server/services/job_service_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;

TEST_F(JobServiceTest, ATrainingRunsFromUploadToAdapter) {
  const v1::Concept uploaded = UploadedConcept();
  const auto job = Create(TrainingOf(uploaded));
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job->spec().train().steps(), 120);

  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.job(), job->name());
  EXPECT_EQ(leased.attempt(), 1);
  EXPECT_EQ(leased.base_model().digest(), TestBaseModel().digest());
  ASSERT_EQ(leased.pictures_size(), 2);
  const auto png = Get(leased.pictures(0).blob().sha256(), leased.job(), leased.lease_id());
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(Sha256Hex(*png), leased.pictures(0).blob().sha256());

  EXPECT_THAT(Report(leased, 1, {ProgressAt(60)}), IsOk());
  const auto adapter = Put("pretend this is safetensors", "application/vnd.safetensors", leased);
  ASSERT_THAT(adapter, IsOk());
  v1::FinishRequest finish;
  *finish.mutable_trained()->mutable_adapter() = *adapter;
  *finish.mutable_trained()->mutable_reference() = leased.pictures(0).blob();
  const auto finished = Finish(finish, leased);
  ASSERT_THAT(finished, IsOk());
  EXPECT_EQ(finished->state(), v1::JOB_STATE_SUCCEEDED);

  const auto watched = Watch(job->name(), 0);
  ASSERT_THAT(watched, IsOk());
  EXPECT_THAT(Story(*watched), ElementsAre(v1::Event::kQueued, v1::Event::kStarted,
                                           v1::Event::kProgress, v1::Event::kSucceeded));
  EXPECT_EQ(watched->back().event().succeeded().adapter(), finished->adapter());

  Call call;
  v1::DownloadAdapterRequest download;
  download.set_name(finished->adapter());
  const auto reader = adapters_->DownloadAdapter(&call, download);
  v1::DownloadAdapterResponse chunk;
  ASSERT_TRUE(reader->Read(&chunk));
  EXPECT_EQ(chunk.data(), "pretend this is safetensors");
  EXPECT_TRUE(chunk.last());
  EXPECT_FALSE(reader->Read(&chunk));
  EXPECT_THAT(FromGrpc(reader->Finish()), IsOk());
}

TEST_F(JobServiceTest, ATrainingFinishesEarly) {
  ASSERT_THAT(Create(TrainingOf(UploadedConcept())), IsOk());
  const v1::LeasedJob leased = Leased();
  Call call;
  v1::FinishTrainingRequest request;
  request.set_name(leased.job());
  v1::Job job;
  ASSERT_THAT(FromGrpc(jobs_->FinishTraining(&call, request, &job)), IsOk());
  EXPECT_TRUE(job.finish_requested());
  const auto directive = Report(leased, 1, {ProgressAt(60)});
  ASSERT_THAT(directive, IsOk());
  EXPECT_EQ(*directive, v1::DIRECTIVE_FINISH);
}

TEST_F(JobServiceTest, AWatchResumesWhereItEnded) {
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  DrawAndFinish(Leased());
  const auto all = Watch(job->name(), 0);
  ASSERT_THAT(all, IsOk());
  for (uint64_t after = 0; after <= all->size(); ++after) {
    const auto rest = Watch(job->name(), after);
    ASSERT_THAT(rest, IsOk());
    ASSERT_EQ(rest->size(), all->size() - after);
    for (size_t i = 0; i < rest->size(); ++i) {
      EXPECT_EQ((*rest)[i].event().sequence(), after + i + 1);
    }
  }
  EXPECT_THAT(Watch(job->name(), all->size() + 1), NamesField("after_sequence"));
}

TEST_F(JobServiceTest, AWatchFollowsARunningJob) {
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  auto watch = std::async(std::launch::async, [&] { return Watch(job->name(), 0); });
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 1; }));
  DrawAndFinish(Leased());
  const auto watched = watch.get();
  ASSERT_THAT(watched, IsOk());
  EXPECT_THAT(Story(*watched),
              ElementsAre(v1::Event::kQueued, v1::Event::kStarted, v1::Event::kProgress,
                          v1::Event::kPicture, v1::Event::kSucceeded));
}

TEST_F(JobServiceTest, GenerateStreamsEventsAndPictures) {
  Call call;
  const auto request = GenerationOf();
  const auto reader = jobs_->Generate(&call, request);
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_THAT(response.job(), testing::StartsWith("jobs/"));
  EXPECT_EQ(response.item_case(), v1::WatchJobResponse::ITEM_NOT_SET);

  const std::string png = DrawAndFinish(Leased());
  ASSERT_GT(png.size(), 64u << 10);  // more than one chunk
  std::string bytes;
  std::string named;
  bool last = false;
  std::vector<v1::Event::WhatCase> story;
  while (reader->Read(&response)) {
    if (response.has_event()) {
      story.push_back(response.event().what_case());
      if (response.event().has_picture()) named = response.event().picture().blob().sha256();
    } else {
      EXPECT_FALSE(last);
      EXPECT_EQ(response.chunk().sha256(), named);
      EXPECT_EQ(response.chunk().offset(), bytes.size());
      bytes += response.chunk().data();
      last = response.chunk().last();
    }
  }
  EXPECT_THAT(FromGrpc(reader->Finish()), IsOk());
  EXPECT_TRUE(last);
  EXPECT_EQ(bytes, png);
  EXPECT_EQ(Sha256Hex(bytes), named);
  EXPECT_THAT(story, ElementsAre(v1::Event::kQueued, v1::Event::kStarted, v1::Event::kProgress,
                                 v1::Event::kPicture, v1::Event::kSucceeded));
}

TEST_F(JobServiceTest, AGenerationContinuesWithoutItsClient) {
  std::string name;
  {
    Call call;
    const auto reader = jobs_->Generate(&call, GenerationOf());
    v1::WatchJobResponse response;
    ASSERT_TRUE(reader->Read(&response));
    name = response.job();
    call.TryCancel();
    while (reader->Read(&response)) {
    }
    EXPECT_THAT(FromGrpc(reader->Finish()), HasCode(absl::StatusCode::kCancelled));
  }
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() == 0; }));
  const std::string png = DrawAndFinish(Leased());
  EXPECT_EQ(JobNow(name).state(), v1::JOB_STATE_SUCCEEDED);
  const auto watched = Watch(name, 0, true);
  ASSERT_THAT(watched, IsOk());
  std::string bytes;
  for (const auto& response : *watched) bytes += response.chunk().data();
  EXPECT_EQ(bytes, png);
}

TEST_F(JobServiceTest, ARepeatedRequestIsOneJob) {
  const auto request = GenerationOf();
  const auto first = Create(request);
  const auto second = Create(request);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->name(), second->name());
  // A repeat does not draw another seed.
  EXPECT_EQ(first->spec().SerializeAsString(), second->spec().SerializeAsString());
  auto other = request;
  other.mutable_generate()->set_prompt("a photo of a cat");
  EXPECT_THAT(Create(other), HasReason("REQUEST_ID_REUSED"));
  EXPECT_EQ(CountJobs(), 1u);
}

TEST_F(JobServiceTest, ARepeatGetsItsJobAfterTheConceptIsDeleted) {
  const v1::Concept uploaded = UploadedConcept();
  const auto request = TrainingOf(uploaded);
  const auto first = Create(request);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(Cancel(first->name()), IsOk());
  v1::DeleteConceptRequest deletion;
  deletion.set_name(uploaded.name());
  grpc::ClientContext context;
  google::protobuf::Empty nothing;
  ASSERT_TRUE(concepts_->DeleteConcept(&context, deletion, &nothing).ok());

  const auto again = Create(request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->name(), first->name());
  EXPECT_EQ(again->state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(JobServiceTest, ACancelReachesTheWorker) {
  const auto job = Create(GenerationOf());
  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(*Report(leased, 1), v1::DIRECTIVE_CONTINUE);
  const auto cancelled = Cancel(job->name());
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_TRUE(cancelled->cancel_requested());
  EXPECT_EQ(*Report(leased, 2), v1::DIRECTIVE_CANCEL);
  v1::FinishRequest finish;
  finish.mutable_cancelled();
  EXPECT_THAT(Finish(finish, leased), IsOk());
  EXPECT_EQ(JobNow(job->name()).state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(JobServiceTest, AQueuedJobIsCancelledAtOnce) {
  const auto job = Create(GenerationOf());
  const auto cancelled = Cancel(job->name());
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  const auto nothing = Lease(std::chrono::milliseconds(0));
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ(nothing->jobs_size(), 0);
}

TEST_F(JobServiceTest, ARetryOfAFailedJobIsANewJob) {
  const auto job = Create(GenerationOf());
  EXPECT_THAT(Retry(job->name()), HasReason("NOT_RETRYABLE"));
  v1::FinishRequest finish;
  finish.mutable_failure()->mutable_status()->set_code(3);
  finish.mutable_failure()->mutable_status()->set_message("no");
  ASSERT_THAT(Finish(finish, Leased()), IsOk());
  EXPECT_EQ(JobNow(job->name()).state(), v1::JOB_STATE_FAILED);

  const auto again = Retry(job->name());
  ASSERT_THAT(again, IsOk());
  EXPECT_NE(again->name(), job->name());
  EXPECT_EQ(again->spec().SerializeAsString(), job->spec().SerializeAsString());
  EXPECT_EQ(again->state(), v1::JOB_STATE_QUEUED);
}

TEST_F(JobServiceTest, ARetryHasTheNameAndTheLabelsOfTheOldJob) {
  auto request = GenerationOf();
  request.set_display_name("a dog on the beach");
  (*request.mutable_labels())["team"] = "blue";
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  const auto again = Retry(job->name());
  ASSERT_THAT(again, IsOk());
  for (const v1::Job& shown : {*again, JobNow(again->name())}) {
    EXPECT_EQ(shown.display_name(), "a dog on the beach");
    EXPECT_EQ(shown.labels().size(), 1u);
    EXPECT_EQ(shown.labels().at("team"), "blue");
  }
}

TEST_F(JobServiceTest, ARepeatedRetryGetsItsJobAfterTheOldOneIsDeleted) {
  const auto job = Create(GenerationOf());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  const std::string request_id = RequestId();
  const auto retried = Retry(job->name(), request_id);
  ASSERT_THAT(retried, IsOk());
  ASSERT_THAT(Delete(job->name()), IsOk());
  const auto again = Retry(job->name(), request_id);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->name(), retried->name());
  EXPECT_THAT(Retry(job->name()), HasReason("JOB_NOT_FOUND"));
}

TEST_F(JobServiceTest, UnknownJobsAreNotFound) {
  v1::GetJobRequest request;
  request.set_name("jobs/" + std::string(32, '0'));
  Call get;
  v1::Job job;
  EXPECT_THAT(FromGrpc(jobs_->GetJob(&get, request, &job)), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Watch(request.name(), 0), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Cancel(request.name()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Retry(request.name()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Watch("jobs/1", 0), NamesField("name"));
}

TEST_F(JobServiceTest, AFinishedJobIsDeletedWithItsPictures) {
  const auto request = GenerationOf();
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_THAT(Delete(job->name()), HasReason("JOB_NOT_FINISHED"));
  DrawAndFinish(Leased());
  EXPECT_THAT(Delete(job->name()), IsOk());
  EXPECT_THAT(Delete(job->name()), HasReason("JOB_NOT_FOUND"));
  EXPECT_THAT(Watch(job->name(), 0), HasReason("JOB_NOT_FOUND"));
  EXPECT_EQ(CountJobs(), 0u);
  EXPECT_THAT(Create(request), HasReason("REQUEST_RESULT_DELETED")) << "a late repeat";
  EXPECT_THAT(Delete("jobs/../x"), NamesField("name"));
}

TEST_F(JobServiceTest, UnknownKindsAndStatesAreRefused) {
  const auto list = [&](const v1::ListJobsRequest& request) {
    Call call;
    v1::ListJobsResponse response;
    return FromGrpc(jobs_->ListJobs(&call, request, &response));
  };
  v1::ListJobsRequest request;
  request.set_kind(static_cast<v1::JobKind>(9));
  EXPECT_THAT(list(request), NamesField("kind"));
  request.set_kind(static_cast<v1::JobKind>(-1));
  EXPECT_THAT(list(request), NamesField("kind"));
  request.Clear();
  request.add_states(v1::JOB_STATE_QUEUED);
  EXPECT_THAT(list(request), IsOk());
  for (const int state : {0, 6, 99, -1}) {
    v1::ListJobsRequest with = request;
    with.add_states(static_cast<v1::JobState>(state));
    EXPECT_THAT(list(with), NamesField("states[1]")) << state;
  }
}

}  // namespace
}  // namespace vico::server
