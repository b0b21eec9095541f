// Evaluations and continued trainings as clients and workers see them.
#include <gmock/gmock.h>

#include "tests/server/services/job_service_fixture.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class EvaluationServiceTest : public JobServiceTest {
 protected:
  EvaluationServiceTest() : pictures_(v1::PictureService::NewStub(client_)) {}

  /// The job of a training that has reported losses and a checkpoint after its last step.
  v1::Job TrainedJob(const std::function<void(v1::TrainSpec&)>& change = {}) {
    auto request = TrainingOf(UploadedConcept());
    if (change) change(*request.mutable_train());
    EXPECT_THAT(Create(request), IsOk());
    const v1::LeasedJob leased = Leased();
    v1::Event checkpoint;
    checkpoint.mutable_checkpoint()->set_step(leased.spec().train().steps());
    *checkpoint.mutable_checkpoint()->mutable_blob() =
        *Put("a checkpoint", "application/octet-stream", leased);
    v1::Event progress = ProgressAt(leased.spec().train().steps());
    progress.mutable_progress()->set_loss(0.25);
    EXPECT_THAT(Report(leased, 1, {progress, checkpoint}), IsOk());
    v1::FinishRequest finish;
    v1::TrainResult& result = *finish.mutable_trained();
    *result.mutable_adapter() = *Put("an adapter", "application/octet-stream", leased);
    *result.mutable_reference() = leased.pictures(0).blob();
    result.mutable_summary()->set_steps(leased.spec().train().steps());
    const auto job = Finish(finish, leased);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : v1::Job();
  }

  absl::StatusOr<v1::Job> Evaluate(
      const std::string& adapter,
      const std::function<void(v1::CreateEvaluationJobRequest&)>& change = {}) {
    v1::CreateEvaluationJobRequest request;
    request.set_request_id(RequestId());
    request.mutable_evaluate()->set_adapter(adapter);
    if (change) change(request);
    Call call;
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->CreateEvaluationJob(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  absl::StatusOr<v1::Job> Continue(
      const std::string& adapter, int steps,
      const std::function<void(v1::ContinueTrainingRequest&)>& change = {}) {
    v1::ContinueTrainingRequest request;
    request.set_request_id(RequestId());
    request.set_adapter(adapter);
    request.set_steps(steps);
    if (change) change(request);
    Call call;
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->ContinueTraining(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  absl::StatusOr<v1::AdapterReport> ReportOf(const std::string& adapter) {
    Call call;
    v1::GetAdapterReportRequest request;
    request.set_name(adapter);
    v1::AdapterReport report;
    const absl::Status status = FromGrpc(adapters_->GetAdapterReport(&call, request, &report));
    if (!status.ok()) return status;
    return report;
  }

  /// The media type of a download, whose digest is checked.
  absl::StatusOr<std::string> Download(const std::string& name, int side) {
    Call call;
    v1::DownloadPictureRequest request;
    request.set_name(name);
    request.set_thumbnail_side(side);
    const auto reader = pictures_->DownloadPicture(&call, request);
    v1::DownloadPictureResponse response;
    v1::DownloadPictureResponse::Header header;
    std::string bytes;
    while (reader->Read(&response)) {
      if (response.has_header()) header = response.header();
      bytes += response.chunk().data();
    }
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    EXPECT_EQ(header.sha256(), Sha256Hex(bytes));
    return header.media_type();
  }

  absl::Status DeleteConcept(const std::string& name) {
    Call call;
    v1::DeleteConceptRequest request;
    request.set_name(name);
    google::protobuf::Empty response;
    return FromGrpc(concepts_->DeleteConcept(&call, request, &response));
  }

  std::vector<std::string> WarningsOf(const std::string& job) {
    std::vector<std::string> reasons;
    // The warnings of a new job follow its first event.
    Call call;
    v1::WatchJobRequest request;
    request.set_name(job);
    const auto reader = jobs_->WatchJob(&call, request);
    v1::WatchJobResponse response;
    while (reader->Read(&response)) {
      if (response.event().has_warning()) reasons.push_back(response.event().warning().reason());
    }
    EXPECT_THAT(FromGrpc(reader->Finish()), IsOk());
    return reasons;
  }

  const std::unique_ptr<v1::PictureService::Stub> pictures_;
};

TEST_F(EvaluationServiceTest, AWorkerGetsWhatItMeasuresAndTheClientItsReport) {
  const v1::Job training = TrainedJob();
  const std::string& adapter = training.adapter();
  EXPECT_THAT(ReportOf(adapter), HasReason("NO_REPORT"));
  EXPECT_THAT(Download(adapter + "/report", 0), HasReason("NO_REPORT"));
  const auto created = Evaluate(adapter, [](auto& request) {
    request.set_display_name("my dog, measured");
    (*request.mutable_labels())["team"] = "red";
    request.mutable_evaluate()->set_picture_count(1);
  });
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->kind(), v1::JOB_KIND_EVALUATION);
  EXPECT_EQ(created->display_name(), "my dog, measured");
  EXPECT_EQ(created->labels().at("team"), "red");

  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.spec().evaluate().picture_count(), 1);
  EXPECT_EQ(leased.spec().evaluate().prompts(0), "a photo of S*");
  EXPECT_EQ(leased.adapter().name(), adapter);
  EXPECT_EQ(leased.base_model().name(), kTestBase);
  ASSERT_EQ(leased.pictures_size(), 2);
  EXPECT_THAT(leased.losses(), ElementsAre(0.25));
  EXPECT_THAT(Get(leased.adapter().blob().sha256(), leased.job(), leased.lease_id()), IsOk());
  EXPECT_THAT(Get(leased.pictures(1).blob().sha256(), leased.job(), leased.lease_id()), IsOk());

  v1::FinishRequest finish;
  v1::AdapterReport& report = *finish.mutable_evaluated()->mutable_report();
  report.add_figures()->set_name("clip_i");
  const std::string sheet = Encoded(TestPicture(300, 200, 3), ".png");
  EXPECT_THAT(Finish(finish, leased), NamesField("evaluated.report.sheet.sha256"));
  *report.mutable_sheet() = *Put(sheet, "image/png", leased);
  ASSERT_THAT(Finish(finish, leased), IsOk());

  const auto stored = ReportOf(adapter);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->adapter(), adapter);
  EXPECT_EQ(stored->job(), created->name());
  EXPECT_EQ(*Download(adapter + "/report", 0), "image/png");
  EXPECT_EQ(*Download(adapter + "/report", 128), "image/jpeg");
}

TEST_F(EvaluationServiceTest, ARepeatReturnsTheSameEvaluationAndADraftCreatesNone) {
  const v1::Job training = TrainedJob();
  const std::string id = RequestId();
  const auto named = [&](auto& request) { request.set_request_id(id); };
  const auto first = Evaluate(training.adapter(), named);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(Evaluate(training.adapter(), named)->name(), first->name());
  const size_t jobs = CountJobs();
  const auto draft = Evaluate(training.adapter(), [](auto& request) {
    request.clear_request_id();
    request.set_validate_only(true);
  });
  ASSERT_THAT(draft, IsOk());
  EXPECT_EQ(draft->name(), "");
  EXPECT_EQ(draft->spec().evaluate().prompts_size(), 4);
  EXPECT_EQ(CountJobs(), jobs);
}

TEST_F(EvaluationServiceTest, WrongFieldsOfAnEvaluationAreNamed) {
  const v1::Job training = TrainedJob();
  EXPECT_THAT(Evaluate("adapters/x"), NamesField("evaluate.adapter"));
  EXPECT_THAT(Evaluate(AdapterName(NewId())), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Evaluate(training.adapter(),
                       [](auto& request) { request.mutable_evaluate()->set_picture_count(5); }),
              NamesField("evaluate.picture_count"));
  EXPECT_THAT(Evaluate(training.adapter(), [](auto& request) { request.set_request_id("x"); }),
              NamesField("request_id"));
  ASSERT_THAT(DeleteConcept(training.spec().train().concept_name()), IsOk());
  EXPECT_THAT(Evaluate(training.adapter()), HasReason("NO_CONCEPT_PICTURES"));
  EXPECT_THAT(Continue(training.adapter(), 10), HasReason("NO_CONCEPT_PICTURES"));
}

TEST_F(EvaluationServiceTest, ATrainingThatAsksForItIsEvaluated) {
  const v1::Job training = TrainedJob([](auto& train) { train.set_evaluate(true); });
  EXPECT_TRUE(training.spec().train().evaluate());
  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.spec().evaluate().adapter(), training.adapter());
  EXPECT_THAT(leased.losses(), SizeIs(1));
}

TEST_F(EvaluationServiceTest, ACancelledEvaluationCanBeTriedAgain) {
  const v1::Job training = TrainedJob();
  const auto job = Evaluate(training.adapter());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  const auto again = Retry(job->name());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->spec().SerializeAsString(), job->spec().SerializeAsString());
}

TEST_F(EvaluationServiceTest, AContinuedTrainingStartsWhereTheAdapterEnded) {
  const v1::Job first = TrainedJob();
  const auto second =
      Continue(first.adapter(), 30, [](auto& request) { request.set_display_name("further"); });
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->display_name(), "further");
  v1::TrainSpec expected = first.spec().train();
  expected.set_steps(150);
  expected.set_continued_adapter(first.adapter());
  expected.set_continued_steps(120);
  EXPECT_EQ(second->spec().train().SerializeAsString(), expected.SerializeAsString())
      << "a worker compares the rest of the spec with that of the checkpoint";

  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.adapter().name(), first.adapter());
  ASSERT_EQ(leased.checkpoints().newest_first_size(), 1);
  const v1::BlobRef& checkpoint = leased.checkpoints().newest_first(0).blob();
  EXPECT_EQ(*Get(checkpoint.sha256(), leased.job(), leased.lease_id()), "a checkpoint");
  EXPECT_EQ(*Get(leased.adapter().blob().sha256(), leased.job(), leased.lease_id()), "an adapter");
}

TEST_F(EvaluationServiceTest, AContinuedTrainingCanBeTriedAgain) {
  const v1::Job first = TrainedJob();
  const auto second = Continue(first.adapter(), 30);
  ASSERT_THAT(Cancel(second->name()), IsOk());
  const auto again = Retry(second->name());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->spec().SerializeAsString(), second->spec().SerializeAsString());
  EXPECT_EQ(Leased().checkpoints().newest_first_size(), 1);
}

TEST_F(EvaluationServiceTest, AScheduleOfOtherLengthGivesAWarning) {
  const v1::Job first = TrainedJob(
      [](auto& train) { train.set_learning_rate_schedule(v1::LEARNING_RATE_SCHEDULE_COSINE); });
  const auto second = Continue(first.adapter(), 30);
  ASSERT_THAT(Cancel(second->name()), IsOk());
  EXPECT_THAT(WarningsOf(second->name()), ElementsAre("CONTINUES_WITH_OTHER_SCHEDULE"));
}

TEST_F(EvaluationServiceTest, WrongFieldsOfAContinuedTrainingAreNamed) {
  const v1::Job first = TrainedJob();
  EXPECT_THAT(Continue("adapters/x", 10), NamesField("adapter"));
  EXPECT_THAT(Continue(AdapterName(NewId()), 10), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Continue(first.adapter(), 0), NamesField("steps"));
  EXPECT_THAT(Continue(first.adapter(), 5001), NamesField("steps"));
  EXPECT_THAT(Continue(first.adapter(), 4881), NamesField("steps")) << "5001 in all";
  EXPECT_THAT(Continue(first.adapter(), 4880,
                       [](auto& request) {
                         request.clear_request_id();
                         request.set_validate_only(true);
                       }),
              IsOk());
  ASSERT_THAT(Delete(first.name()), IsOk());
  EXPECT_THAT(Continue(first.adapter(), 10), HasReason("TRAINING_DELETED"));
  EXPECT_THAT(Evaluate(first.adapter()), IsOk()) << "needs no training";
}

TEST_F(EvaluationServiceTest, WhatAClientSaysOfContinuedStepsIsIgnored) {
  auto request = TrainingOf(UploadedConcept());
  request.mutable_train()->set_continued_adapter(AdapterName(NewId()));
  request.mutable_train()->set_continued_steps(100);
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->spec().train().continued_adapter(), "");
  EXPECT_EQ(job->spec().train().continued_steps(), 0);
}

}  // namespace
}  // namespace vico::server
