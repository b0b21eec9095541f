// Evaluations in the job store, and the reports that they leave with their adapters.
#include <algorithm>
#include <map>

#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class EvaluationTest : public JobStoreTest {
 protected:
  EvaluationTest() { EXPECT_THAT(catalog_->SaveBaseModels({Toy()}), IsOk()); }

  static v1::OfferedBaseModel Toy() {
    v1::OfferedBaseModel toy;
    toy.mutable_base_model()->set_name(kToyBase);
    return toy;
  }

  /// The job of a finished training.
  v1::Job TrainedJob(const std::string& request_id, bool evaluate = false) {
    SubmitRequest request = Training(request_id);
    request.spec.mutable_train()->set_evaluate(evaluate);
    Submitted(request);
    const auto job = jobs_->Finish(Trained(Leased()));
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : v1::Job();
  }

  static SubmitRequest Evaluation(const std::string& request_id, const std::string& adapter) {
    SubmitRequest request;
    request.key = {"default", request_id, "hash of " + request_id};
    v1::EvaluateSpec& spec = *request.spec.mutable_evaluate();
    spec.set_adapter(adapter);
    spec.set_base_model(kToyBase);
    spec.add_prompts("a photo of S*");
    return request;
  }

  /// A report whose sheet is the stored blob of 64 `digit`.
  static v1::FinishRequest Evaluated(const Grant& grant, char digit, double after = 0.9) {
    v1::FinishRequest finish = FinishOf(grant);
    v1::AdapterReport& report = *finish.mutable_evaluated()->mutable_report();
    v1::AdapterReport::Figure& figure = *report.add_figures();
    figure.set_name("clip_i");
    figure.set_after(after);
    report.mutable_sheet()->set_sha256(std::string(64, digit));
    return finish;
  }

  std::vector<std::string> UsersOf(char digit) {
    std::vector<std::string> users;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", std::string(64, digit)));
      return absl::OkStatus();
    }),
                IsOk());
    return users;
  }

  std::vector<std::string> Listed(const JobFilter& filter) {
    const auto page = jobs_->List({.tenant = "default", .filter = filter});
    EXPECT_THAT(page, IsOk());
    std::vector<std::string> names;
    for (const v1::Job& job : page->jobs) names.push_back(job.name());
    return names;
  }
};

TEST_P(EvaluationTest, ItsReportStaysWithTheAdapter) {
  const std::string adapter = TrainedJob("request-1").adapter();
  EXPECT_THAT(catalog_->GetReport("default", adapter), HasReason("NO_REPORT"));
  const v1::Job queued = Submitted(Evaluation("request-2", adapter));
  EXPECT_EQ(queued.kind(), v1::JOB_KIND_EVALUATION);
  const Grant grant = Leased();
  EXPECT_EQ(grant.job.name(), queued.name());
  const auto job = jobs_->Finish(Evaluated(grant, 'c'));
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Events(job->name()).back().succeeded().adapter(), adapter);

  const auto report = catalog_->GetReport("default", adapter);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->adapter(), adapter);
  EXPECT_EQ(report->job(), job->name());
  EXPECT_EQ(report->create_time().seconds(), job->finish_time().seconds());
  EXPECT_EQ(report->figures(0).after(), 0.9);
  EXPECT_THAT(catalog_->GetReport("other", adapter), HasReason("ADAPTER_NOT_FOUND"));

  ASSERT_THAT(jobs_->Delete("default", job->name()), IsOk());
  EXPECT_THAT(catalog_->GetReport("default", adapter), IsOk());
}

TEST_P(EvaluationTest, ANewReportReleasesTheSheetOfTheEarlierOne) {
  const std::string adapter = TrainedJob("request-1").adapter();
  Submitted(Evaluation("request-2", adapter));
  ASSERT_THAT(jobs_->Finish(Evaluated(Leased(), 'b')), IsOk());
  EXPECT_THAT(UsersOf('b'), UnorderedElementsAre(adapter, adapter + "/report"));
  Submitted(Evaluation("request-3", adapter));
  ASSERT_THAT(jobs_->Finish(Evaluated(Leased(), 'c', 0.5)), IsOk());
  EXPECT_THAT(UsersOf('b'), ElementsAre(adapter)) << "its reference picture";
  EXPECT_THAT(UsersOf('c'), ElementsAre(adapter + "/report"));
  EXPECT_EQ(catalog_->GetReport("default", adapter)->figures(0).after(), 0.5);
  ASSERT_THAT(catalog_->DeleteAdapter("default", adapter), IsOk());
  EXPECT_THAT(UsersOf('c'), IsEmpty());
  EXPECT_THAT(catalog_->GetReport("default", adapter), HasReason("ADAPTER_NOT_FOUND"));
}

TEST_P(EvaluationTest, AReportWhoseSheetIsNotStoredIsRefused) {
  const std::string adapter = TrainedJob("request-1").adapter();
  Submitted(Evaluation("request-2", adapter));
  const Grant grant = Leased();
  EXPECT_THAT(jobs_->Finish(Evaluated(grant, 'f')), HasReason("BLOB_MISSING"));
  EXPECT_THAT(jobs_->Finish(Evaluated(grant, 'c')), IsOk());
}

TEST_P(EvaluationTest, AResultOfAnotherKindIsRefused) {
  const std::string adapter = TrainedJob("request-1").adapter();
  Submitted(Evaluation("request-2", adapter));
  const Grant evaluation = Leased();
  EXPECT_THAT(jobs_->Finish(Generated(evaluation)), NamesField("outcome"));
  EXPECT_THAT(jobs_->Finish(Trained(evaluation)), NamesField("outcome"));
  Submitted(Generation("request-3"));
  EXPECT_THAT(jobs_->Finish(Evaluated(Leased(), 'c')), NamesField("outcome"));
}

TEST_P(EvaluationTest, ItIsLeasedAloneAndAsManyAsItsLimitSays) {
  options_.evaluations_per_tenant = 1;
  Open();
  const std::string adapter = TrainedJob("request-1").adapter();
  Submitted(Evaluation("request-2", adapter));
  Submitted(Evaluation("request-3", adapter));
  LeaseQuery query = Ask("worker-a", "many");
  query.max_jobs = 8;
  ASSERT_THAT(*jobs_->Lease(query), SizeIs(1));
  EXPECT_TRUE(NothingToLease());
  Submitted(Generation("request-4"));
  EXPECT_EQ(Leased().job.kind(), v1::JOB_KIND_GENERATION) << "has a limit of its own";
}

TEST_P(EvaluationTest, NeitherItsConceptNorItsAdapterCanBeDeletedMeanwhile) {
  const v1::Job training = TrainedJob("request-1");
  const std::string concept_name = training.spec().train().concept_name();
  // Only the training knew the concept in rows of earlier versions.
  ASSERT_THAT(jobs_->Delete("default", training.name()), IsOk());
  EXPECT_EQ(*catalog_->ConceptOf("default", training.adapter()), concept_name);
  const v1::Job job = Submitted(Evaluation("request-2", training.adapter()));
  EXPECT_THAT(catalog_->DeleteConcept("default", concept_name), HasReason("IN_USE"));
  EXPECT_THAT(catalog_->DeleteAdapter("default", training.adapter()), HasReason("IN_USE"));
  ASSERT_THAT(jobs_->Cancel("default", job.name()), IsOk());
  EXPECT_THAT(catalog_->DeleteConcept("default", concept_name), IsOk());
  EXPECT_THAT(jobs_->Submit(Evaluation("request-3", training.adapter())),
              HasReason("NO_CONCEPT_PICTURES"));
}

TEST_P(EvaluationTest, AnImportHasNoPicturesToCompareWith) {
  const auto imported = catalog_->CreateAdapter({"default", "request-1", "h"}, {});
  ASSERT_THAT(imported, IsOk());
  EXPECT_EQ(*catalog_->ConceptOf("default", imported->name()), "");
  EXPECT_THAT(jobs_->Submit(Evaluation("request-2", imported->name())),
              HasReason("NO_CONCEPT_PICTURES"));
  EXPECT_THAT(jobs_->Submit(Evaluation("request-3", "adapters/none")),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_P(EvaluationTest, ListsFindItByKindAndAdapter) {
  const v1::Job training = TrainedJob("request-1");
  const std::string job = Submitted(Evaluation("request-2", training.adapter())).name();
  EXPECT_THAT(Listed({.kinds = {v1::JOB_KIND_EVALUATION}}), ElementsAre(job));
  EXPECT_THAT(Listed({.states = {v1::JOB_STATE_QUEUED}}), ElementsAre(job));
  EXPECT_THAT(Listed({.adapter = training.adapter()}), ElementsAre(job, training.name()));
  EXPECT_THAT(Listed({.concept_name = training.spec().train().concept_name()}),
              ElementsAre(training.name()))
      << "trainings only";
  const auto counts = jobs_->CountQueue();
  ASSERT_THAT(counts, IsOk());
  ASSERT_THAT(*counts, SizeIs(1));
  EXPECT_EQ(counts->front().kind, v1::JOB_KIND_EVALUATION);
  EXPECT_EQ(counts->front().queued, 1);
  EXPECT_THAT(jobs_->AskToFinish("default", job), HasReason("NOT_A_TRAINING"));
}

TEST_P(EvaluationTest, ATrainingThatAsksForItIsFollowedByOne) {
  SubmitRequest request = Training("request-1");
  request.spec.mutable_train()->set_evaluate(true);
  Submitted(request);
  const Grant grant = Leased();
  const auto trained = jobs_->Finish(Trained(grant));
  ASSERT_THAT(trained, IsOk());
  ASSERT_THAT(jobs_->Finish(Trained(grant)), IsOk()) << "a repeat";
  ASSERT_THAT(Listed({.kinds = {v1::JOB_KIND_EVALUATION}}), SizeIs(1));
  const Grant evaluation = Leased();
  const v1::EvaluateSpec& spec = evaluation.job.spec().evaluate();
  EXPECT_EQ(spec.adapter(), trained->adapter());
  EXPECT_EQ(spec.base_model(), kToyBase);
  EXPECT_EQ(spec.prompts_size(), 4);
  EXPECT_EQ(spec.prompts(0), "a photo of S*");
  EXPECT_EQ(spec.picture_count(), 2);
  EXPECT_EQ(spec.seed(), 1U);
  EXPECT_THAT(Story(evaluation.job.name()), ElementsAre(v1::Event::kQueued, v1::Event::kStarted));
  EXPECT_THAT(catalog_->DeleteConcept("default", request.spec.train().concept_name()),
              HasReason("IN_USE"));
}

TEST_P(EvaluationTest, WithoutValidDefaultsTheTrainingSucceedsWithAWarning) {
  v1::OfferedBaseModel toy = Toy();
  for (int i = 0; i < 9; ++i) {
    toy.mutable_base_model()->mutable_evaluation_defaults()->add_prompts("S*");
  }
  ASSERT_THAT(catalog_->SaveBaseModels({toy}), IsOk());
  const v1::Job training = TrainedJob("request-1", /*evaluate=*/true);
  EXPECT_EQ(training.state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_THAT(Listed({.kinds = {v1::JOB_KIND_EVALUATION}}), IsEmpty());
  const auto events = Events(training.name());
  EXPECT_EQ(events.at(events.size() - 2).warning().reason(), "NOT_EVALUATED");
  EXPECT_TRUE(events.back().has_succeeded());
}

INSTANTIATE_TEST_SUITE_P(Backends, EvaluationTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
