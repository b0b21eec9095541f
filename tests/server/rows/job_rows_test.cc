#include "server/rows/job_rows.h"

#include <gmock/gmock.h>

#include "common/status.h"
#include "server/sql/sqlite_database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

class JobRowsTest : public testing::Test {
 protected:
  JobRowsTest() {
    auto database = SqliteDatabase::Open(folder_.path() + "/vico.db");
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
    row_.tenant = "default";
    row_.job.set_name("jobs/1");
    row_.deadline = absl::FromUnixSeconds(99);
    row_.job.mutable_spec()->mutable_generate()->set_base_model("baseModels/toy");
    EXPECT_THAT(database_->Write([&](SqlSession& db) {
      return InsertJob(db, absl::FromUnixSeconds(1), {}, row_);
    }),
                IsOk());
  }

  absl::Status Save(JobChange change, const JobRow& before, const JobRow& after) {
    const absl::Time now = absl::FromUnixSeconds(10);
    return database_->Write(
        [&](SqlSession& db) { return SaveJob(db, change, now, before, after); });
  }

  JobRow Stored() {
    JobRow row;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(row, FindJob(db, "jobs/1"));
      return absl::OkStatus();
    }),
                IsOk());
    return row;
  }

  JobRow Leased(const JobRow& before) {
    JobRow row = before;
    row.job.set_state(v1::JOB_STATE_RUNNING);
    row.job.set_attempt(before.job.attempt() + 1);
    row.lease_id = "lease_1";
    row.lease_worker = "worker";
    row.lease_nonce = "nonce";
    row.lease_until = absl::FromUnixSeconds(30);
    EXPECT_THAT(Save(JobChange::kLease, before, row), IsOk());
    return row;
  }

  TempFolder folder_;
  std::unique_ptr<Database> database_;
  JobRow row_;
};

TEST_F(JobRowsTest, ReadsARowAsSaved) {
  JobRow row = row_;
  row.job.set_state(v1::JOB_STATE_RUNNING);
  row.job.set_attempt(1);
  row.job.set_step(17);
  row.job.set_total_steps(400);
  row.job.set_last_sequence(9);
  row.job.mutable_start_time()->set_seconds(5);
  row.job.add_pictures()->set_seed(UINT64_MAX);
  row.not_before = absl::FromUnixSeconds(7);
  row.lease_id = "lease_1";
  row.lease_worker = "worker";
  row.lease_nonce = "nonce";
  row.lease_until = absl::FromUnixMicros(123456789);
  row.report_number = 4;
  row.base_model_digest = "digest";
  row.queue_until = absl::FromUnixMicros(77);
  ASSERT_THAT(Save(JobChange::kLease, row_, row), IsOk());

  const JobRow stored = Stored();
  EXPECT_EQ(stored.job.SerializeAsString(), row.job.SerializeAsString());
  EXPECT_EQ(stored.tenant, "default");
  EXPECT_EQ(stored.not_before, row.not_before);
  EXPECT_EQ(stored.lease_id, "lease_1");
  EXPECT_EQ(stored.lease_worker, "worker");
  EXPECT_EQ(stored.lease_nonce, "nonce");
  EXPECT_EQ(stored.lease_until, row.lease_until);
  EXPECT_EQ(stored.report_number, 4u);
  EXPECT_EQ(stored.base_model_digest, "digest");
  EXPECT_EQ(stored.queue_until, row.queue_until);
  EXPECT_EQ(stored.deadline, absl::FromUnixSeconds(99)) << "as inserted";

  JobRow retried = stored;
  retried.job.set_state(v1::JOB_STATE_QUEUED);
  retried.lease_id.clear();
  retried.failures = 1;
  ASSERT_THAT(Save(JobChange::kRetry, stored, retried), IsOk());
  EXPECT_EQ(Stored().failures, 1);
  EXPECT_EQ(Stored().crashes, 0);
}

TEST_F(JobRowsTest, AbortsAChangeFromAnOldState) {
  Leased(row_);
  JobRow cancelled = row_;
  cancelled.job.set_state(v1::JOB_STATE_CANCELLED);
  cancelled.job.set_cancel_requested(true);
  EXPECT_THAT(Save(JobChange::kCancel, row_, cancelled), HasReason("LEASE_LOST"));
  EXPECT_EQ(Stored().job.state(), v1::JOB_STATE_RUNNING);
}

TEST_F(JobRowsTest, AbortsAChangeByAnEarlierAttempt) {
  const JobRow leased = Leased(row_);
  JobRow stale = leased;
  stale.job.set_attempt(leased.job.attempt() - 1);
  JobRow finished = stale;
  finished.job.set_state(v1::JOB_STATE_SUCCEEDED);
  finished.lease_id.clear();
  EXPECT_THAT(Save(JobChange::kSucceed, stale, finished), HasReason("LEASE_LOST"));
}

TEST_F(JobRowsTest, AbortsAChangeAfterTheLeaseWasExtended) {
  const JobRow leased = Leased(row_);
  JobRow extended = leased;
  extended.lease_until = absl::FromUnixSeconds(60);
  ASSERT_THAT(Save(JobChange::kReport, leased, extended), IsOk());
  JobRow returned = leased;
  returned.job.set_state(v1::JOB_STATE_QUEUED);
  returned.lease_id.clear();
  EXPECT_THAT(Save(JobChange::kRelease, leased, returned), HasReason("LEASE_LOST"));
}

TEST_F(JobRowsTest, AnIllegalTransitionIsAnInternalError) {
  JobRow succeeded = row_;
  succeeded.job.set_state(v1::JOB_STATE_SUCCEEDED);
  EXPECT_THAT(Save(JobChange::kSucceed, row_, succeeded), HasCode(absl::StatusCode::kInternal));
  EXPECT_EQ(Stored().job.state(), v1::JOB_STATE_QUEUED);
}

}  // namespace
}  // namespace vico::server
