#include "server/services/job_service.h"

#include <future>

#include <gmock/gmock.h>

#include "common/schedulers.h"
#include "tests/server/server_fixture.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JobServiceTest : public ServerTest {
 protected:
  JobServiceTest() { EXPECT_THAT(Register(), IsOk()); }

  absl::StatusOr<v1::Job> Cancel(const std::string& name) {
    Call call;
    v1::CancelJobRequest request;
    request.set_name(name);
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->CancelJob(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  absl::StatusOr<v1::Job> Retry(const std::string& name,
                                const std::string& request_id = RequestId()) {
    Call call;
    v1::RetryJobRequest request;
    request.set_name(name);
    request.set_request_id(request_id);
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->RetryJob(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  /// Registers a second worker.
  absl::Status RegisterOther(const std::string& base_model) {
    Call call;
    v1::RegisterRequest request;
    request.set_worker("worker-b");
    request.set_device("cpu");
    *request.add_base_models() = TestOffer(base_model);
    v1::RegisterResponse response;
    return FromGrpc(workers_->Register(&call, request, &response));
  }

  absl::Status Delete(const std::string& name) {
    Call call;
    v1::DeleteJobRequest request;
    request.set_name(name);
    google::protobuf::Empty response;
    return FromGrpc(jobs_->DeleteJob(&call, request, &response));
  }

  size_t CountJobs() {
    Call call;
    v1::ListJobsResponse response;
    EXPECT_THAT(FromGrpc(jobs_->ListJobs(&call, {}, &response)), IsOk());
    return static_cast<size_t>(response.jobs_size());
  }

  /// Finishes a leased generation with one picture, as a worker. Returns the picture's bytes.
  std::string DrawAndFinish(const v1::LeasedJob& leased) {
    cv::Mat noise(200, 200, CV_8UC3);
    cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
    const std::string png = Encoded(noise, ".png");
    const auto blob = Put(png, "image/png", leased);
    EXPECT_THAT(blob, IsOk());
    v1::Event event;
    event.mutable_picture()->set_seed(leased.spec().generate().seeds(0));
    *event.mutable_picture()->mutable_blob() = *blob;
    EXPECT_THAT(Report(leased, 1, {ProgressAt(1), event}), IsOk());
    v1::FinishRequest finish;
    *finish.mutable_generated()->add_pictures() = event.picture();
    EXPECT_THAT(Finish(finish, leased), IsOk());
    return png;
  }

  static std::vector<v1::Event::WhatCase> Story(
      const std::vector<v1::WatchJobResponse>& responses) {
    std::vector<v1::Event::WhatCase> story;
    for (const auto& response : responses) {
      if (response.has_event()) story.push_back(response.event().what_case());
    }
    return story;
  }
};

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

TEST_F(JobServiceTest, AllThatIsWrongIsNamedAtOnce) {
  auto request = TrainingOf(UploadedConcept());
  request.set_request_id("short");
  request.mutable_train()->set_steps(0);
  request.mutable_train()->set_init_word("dogg");
  const auto job = Create(request);
  EXPECT_THAT(job, NamesField("request_id"));
  for (const char* part : {"train.steps", "train.init_word", "Near words: "}) {
    EXPECT_THAT(job, HasMessage(testing::HasSubstr(part)));
  }
  request.mutable_train()->set_concept_name("concepts/1");
  EXPECT_THAT(Create(request), HasMessage(testing::HasSubstr("train.concept_name")));
}

TEST_F(JobServiceTest, ABaseModelIsReturnedAndItsWordsAreChecked) {
  Call get;
  v1::GetBaseModelRequest request;
  request.set_name(kTestBase);
  v1::BaseModel found;
  ASSERT_THAT(FromGrpc(models_->GetBaseModel(&get, request, &found)), IsOk());
  EXPECT_EQ(found.digest(), TestBaseModel().digest());
  EXPECT_TRUE(found.available());

  Call check;
  v1::CheckWordRequest word;
  word.set_word("dogg");
  v1::CheckWordResponse answer;
  ASSERT_THAT(FromGrpc(models_->CheckWord(&check, word, &answer)), IsOk());
  EXPECT_FALSE(answer.one_token());
  EXPECT_THAT(answer.near_words(), testing::Contains("dog"));
  Call empty;
  EXPECT_THAT(FromGrpc(models_->CheckWord(&empty, {}, &answer)), NamesField("word"));
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

TEST_F(JobServiceTest, ValidateOnlyQueuesNothing) {
  auto training = TrainingOf(UploadedConcept());
  training.set_validate_only(true);
  const auto draft = Create(training);
  ASSERT_THAT(draft, IsOk());
  EXPECT_EQ(draft->name(), "");
  EXPECT_EQ(draft->kind(), v1::JOB_KIND_TRAINING);
  EXPECT_EQ(draft->spec().train().steps(), 120);
  auto generation = GenerationOf();
  generation.set_validate_only(true);
  generation.mutable_generate()->set_steps(0);
  EXPECT_THAT(Create(generation), NamesField("generate.steps"));
  EXPECT_EQ(CountJobs(), 0u);
}

TEST_F(JobServiceTest, WarningsFollowTheQueuedEvent) {
  const std::string png = Encoded(TestPicture(64, 64), ".png");
  const auto uploaded = Upload(Header({png, png}), {{0, png}});
  ASSERT_THAT(uploaded, IsOk());
  auto request = TrainingOf(uploaded->uploaded_concept());
  request.mutable_train()->set_sample_prompt("a photo of a dog");
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  const auto watched = Watch(job->name(), 0);
  ASSERT_THAT(watched, IsOk());
  ASSERT_THAT(Story(*watched), ElementsAre(v1::Event::kQueued, v1::Event::kWarning,
                                           v1::Event::kWarning, v1::Event::kCancelled));
  EXPECT_EQ((*watched)[1].event().warning().reason(), "PROMPT_WITHOUT_PLACEHOLDER");
  EXPECT_EQ((*watched)[2].event().warning().reason(), "DUPLICATE_PICTURES");
}

TEST_F(JobServiceTest, ResourcesThatASpecNamesMustExist) {
  const std::string nobody(32, '0');
  v1::Concept missing;
  missing.set_name("concepts/" + nobody);
  EXPECT_THAT(Create(TrainingOf(missing)), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(TrainingOf(missing)), HasMessage(testing::HasSubstr("train.concept_name")));
  missing.set_name("my dog");
  EXPECT_THAT(Create(TrainingOf(missing)), NamesField("train.concept_name"));

  EXPECT_THAT(Create(GenerationOf("adapters/" + nobody)), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(GenerationOf("adapters/x")), NamesField("generate.adapter"));

  auto request = GenerationOf();
  request.mutable_generate()->set_base_model("baseModels/sd15");
  EXPECT_THAT(Create(request), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(request), HasMessage(testing::HasSubstr("generate.base_model")));
  request.mutable_generate()->set_base_model("sd15");
  EXPECT_THAT(Create(request), NamesField("generate.base_model"));
  EXPECT_EQ(CountJobs(), 0u);
}

TEST_F(JobServiceTest, BadSpecsQueueNothing) {
  auto training = TrainingOf(UploadedConcept());
  training.mutable_train()->set_init_word("xylophonist");
  EXPECT_THAT(Create(training), NamesField("train.init_word"));
  auto generation = GenerationOf();
  generation.mutable_generate()->set_scheduler("plms");
  EXPECT_THAT(Create(generation), NamesField("generate.scheduler"));
  generation = GenerationOf();
  generation.set_request_id("short");
  EXPECT_THAT(Create(generation), NamesField("request_id"));
  EXPECT_EQ(CountJobs(), 0u);
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

TEST_F(JobServiceTest, OneOfSeveralBaseModelsMustBeNamed) {
  ASSERT_THAT(RegisterOther("baseModels/other"), IsOk());
  EXPECT_THAT(Create(GenerationOf()), NamesField("generate.base_model"));
  auto request = GenerationOf();
  request.mutable_generate()->set_base_model("baseModels/other");
  EXPECT_THAT(Create(request), IsOk());
}

TEST_F(JobServiceTest, CapabilitiesHoldTheLimits) {
  Call call;
  v1::Capabilities capabilities;
  ASSERT_THAT(FromGrpc(models_->GetCapabilities(&call, {}, &capabilities)), IsOk());
  EXPECT_EQ(capabilities.version(), "test");
  EXPECT_THAT(capabilities.schedulers(), testing::ElementsAreArray(kSchedulerNames));
  EXPECT_THAT(capabilities.dialects(), ElementsAre(v1::DIALECT_PAPER, v1::DIALECT_MMAGIC));
  EXPECT_EQ(capabilities.limits().at("train.steps").max(), 5000);
  EXPECT_THAT(capabilities.picture_formats(),
              ElementsAre("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif"));
  EXPECT_EQ(capabilities.limits().at("pictures.pixels").max(), 25'000'000);
  EXPECT_EQ(capabilities.limits().at("pictures.jpeg_pixels").max(), 200'000'000);
}

TEST_F(JobServiceTest, OfferedBaseModelsAreListed) {
  Call call;
  v1::ListBaseModelsResponse response;
  ASSERT_THAT(FromGrpc(models_->ListBaseModels(&call, {}, &response)), IsOk());
  ASSERT_EQ(response.base_models_size(), 1);
  EXPECT_EQ(response.base_models(0).name(), kTestBase);
  EXPECT_TRUE(response.base_models(0).available());
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
  request.set_kind(static_cast<v1::JobKind>(3));
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
