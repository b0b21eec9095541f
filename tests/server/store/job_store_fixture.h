// Fixture of the contract tests of job store and catalog, for every backend.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/status.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job.h"
#include "server/store/sql_catalog.h"
#include "server/store/sql_job_store.h"
#include "tests/server/store/store_backends.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {

inline constexpr char kToyBase[] = "baseModels/toy";

/// Stores the rows of the blobs that the tests' results and base models reference: 64 times one of
/// a, b and c, for each tenant of the tests.
inline absl::Status InsertTestBlobs(SqlSession& db) {
  for (const std::string_view tenant : {"default", "other", "theirs", "third", "system"}) {
    for (const char digit : {'a', 'b', 'c'}) {
      const std::string sha256(64, digit);
      RETURN_IF_ERROR(db.Execute("INSERT INTO blob (tenant, sha256, size_bytes, state, time) "
                                 "VALUES (?, ?, 0, 'live', 0) ON CONFLICT DO NOTHING",
                                 {tenant, sha256})
                          .status());
    }
  }
  return absl::OkStatus();
}

class JobStoreTest : public testing::TestWithParam<StoreBackend> {
 protected:
  JobStoreTest() : JobStoreTest(std::filesystem::temp_directory_path()) {}
  explicit JobStoreTest(const std::filesystem::path& parent) : folder_(parent) { Open(); }

  /// Opens the stores, or opens them again as after a restart of the server.
  void Open() {
    jobs_.reset();
    catalog_.reset();
    database_.reset();
    auto database = GetParam().open(folder_.path());
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
    EXPECT_THAT(database_->Write(InsertTestBlobs), IsOk());
    // A restarted server starts a clock of its own.
    time_ = std::make_unique<StoreClock>(clock_);
    catalog_ = std::make_unique<SqlCatalog>(*database_, *time_);
    auto jobs = SqlJobStore::Open(*database_, clock_, *time_, feed_, options_);
    EXPECT_THAT(jobs, IsOk());
    jobs_ = *std::move(jobs);
  }

  /// A generation on the toy base without an adapter.
  static SubmitRequest Generation(const std::string& request_id,
                                  const std::string& tenant = "default") {
    SubmitRequest request;
    request.key = {tenant, request_id, "hash of " + request_id};
    request.spec.mutable_generate()->set_base_model(kToyBase);
    request.spec.mutable_generate()->set_prompt("a red ball");
    return request;
  }

  /// A training. Creates its concept first.
  SubmitRequest Training(const std::string& request_id, const std::string& tenant = "default") {
    const auto made = catalog_->CreateConcept({tenant, "concept of " + request_id, "h"}, {});
    EXPECT_THAT(made, IsOk());
    SubmitRequest request;
    request.key = {tenant, request_id, "hash of " + request_id};
    v1::TrainSpec& spec = *request.spec.mutable_train();
    spec.set_concept_name(made->name());
    spec.set_base_model(kToyBase);
    spec.set_init_word("ball");
    spec.set_placeholder("S*");
    spec.set_dialect(v1::DIALECT_PAPER);
    spec.set_steps(400);
    return request;
  }

  v1::Job Submitted(const SubmitRequest& request) {
    const auto job = jobs_->Submit(request);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : v1::Job();
  }

  v1::Job JobNow(const std::string& name) {
    const auto job = jobs_->Get("default", name);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : v1::Job();
  }

  static LeaseQuery Ask(const std::string& worker, const std::string& nonce) {
    LeaseQuery query;
    query.worker = worker;
    query.device = "cpu";
    query.nonce = nonce;
    query.base_models = {kToyBase};
    return query;
  }

  /// Leases the next job with a new nonce. There must be one.
  Grant Leased(const std::string& worker = "worker-a") {
    const auto grants = jobs_->Lease(Ask(worker, fmt::format("nonce-{}", ++nonces_)));
    EXPECT_THAT(grants, IsOk());
    if (!grants.ok() || grants->size() != 1) {
      ADD_FAILURE() << "no job to lease";
      return {};
    }
    return grants->front();
  }

  bool NothingToLease() {
    const auto grants = jobs_->Lease(Ask("worker-z", fmt::format("nonce-{}", ++nonces_)));
    EXPECT_THAT(grants, IsOk());
    return grants->empty();
  }

  static v1::ReportRequest ReportOf(const Grant& grant, uint64_t number, int progress_events = 0) {
    v1::ReportRequest report;
    report.set_job(grant.job.name());
    report.set_lease_id(grant.lease_id);
    report.set_report_number(number);
    for (int i = 1; i <= progress_events; ++i) {
      v1::Event::Progress& progress = *report.add_events()->mutable_progress();
      progress.set_step(static_cast<int64_t>(number) * 100 + i);
      progress.set_total_steps(400);
    }
    return report;
  }

  static v1::FinishRequest FinishOf(const Grant& grant) {
    v1::FinishRequest finish;
    finish.set_job(grant.job.name());
    finish.set_lease_id(grant.lease_id);
    return finish;
  }

  static v1::FinishRequest Generated(const Grant& grant, int pictures = 1) {
    v1::FinishRequest finish = FinishOf(grant);
    finish.mutable_generated();
    for (int i = 0; i < pictures; ++i) {
      finish.mutable_generated()->add_pictures()->set_index(i);
    }
    return finish;
  }

  static v1::FinishRequest Trained(const Grant& grant) {
    v1::FinishRequest finish = FinishOf(grant);
    finish.mutable_trained()->mutable_adapter()->set_sha256(std::string(64, 'a'));
    finish.mutable_trained()->mutable_reference()->set_sha256(std::string(64, 'b'));
    finish.mutable_trained()->mutable_summary()->set_steps(400);
    return finish;
  }

  static v1::FinishRequest Failed(const Grant& grant, bool retryable) {
    v1::FinishRequest finish = FinishOf(grant);
    *finish.mutable_failure()->mutable_status() =
        ToProto(Error(absl::StatusCode::kInternal, "the engine died", "ENGINE_DIED"));
    finish.mutable_failure()->set_retryable(retryable);
    return finish;
  }

  static v1::FinishRequest Released(const Grant& grant) {
    v1::FinishRequest finish = FinishOf(grant);
    finish.mutable_released();
    return finish;
  }

  static v1::FinishRequest Stopped(const Grant& grant) {
    v1::FinishRequest finish = FinishOf(grant);
    finish.mutable_cancelled();
    return finish;
  }

  std::vector<v1::Event> Events(const std::string& job) {
    const auto events = jobs_->EventsAfter("default", job, 0, 100000);
    EXPECT_THAT(events, IsOk());
    return events.ok() ? *events : std::vector<v1::Event>();
  }

  /// The kinds of a job's events, oldest first, after checking that their numbers are dense.
  std::vector<v1::Event::WhatCase> Story(const std::string& job) {
    std::vector<v1::Event::WhatCase> story;
    for (const v1::Event& event : Events(job)) {
      EXPECT_EQ(event.sequence(), story.size() + 1);
      story.push_back(event.what_case());
    }
    EXPECT_EQ(JobNow(job).last_sequence(), story.size());
    return story;
  }

  TempFolder folder_;
  FakeClock clock_;
  EventFeed feed_;
  JobStoreOptions options_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<StoreClock> time_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<JobStore> jobs_;
  int nonces_ = 0;
};

}  // namespace vico::server
