// A database that an older program wrote: schema 6, whose leases and waits count the uptime.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "server/sql/sqlite_connection.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

/// Microseconds of uptime, larger than FakeClock's.
constexpr int64_t kUptime = 5'000'000'000;

/// The tests run in the source folder.
std::string Schema6() {
  std::string schema;
  for (const char* script : {"001_jobs", "002_checkpoints", "003_tenants", "004_deadlines_blobs",
                             "005_lease_indexes", "006_traces"}) {
    std::ifstream file(fmt::format("server/sql/{}.sqlite.sql", script));
    schema += std::string(std::istreambuf_iterator<char>(file), {});
  }
  return schema + "PRAGMA user_version = 6;";
}

class OlderDatabaseTest : public JobStoreTest {
 protected:
  OlderDatabaseTest() {
    jobs_.reset();
    catalog_.reset();
    database_.reset();
    const std::string path = folder_.path() + "/vico.db";
    std::filesystem::remove(path);
    const auto old = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite);
    EXPECT_THAT(old, IsOk());
    EXPECT_THAT((*old)->Script(Schema6().c_str()), IsOk());
    EXPECT_THAT((*old)->Script("INSERT INTO tenant (name) VALUES ('default')"), IsOk());
    Insert(**old, "jobs/waiting", "queued", nullptr, nullptr);
    Insert(**old, "jobs/leased", "running", std::string_view("lease_1"), kUptime);
  }

  void Insert(SqlSession& db, std::string_view name, std::string_view state, SqlValue lease_id,
              SqlValue lease_until) {
    const std::string spec = Generation("request").spec.SerializeAsString();
    const int64_t now = absl::ToUnixMicros(clock_.Now());
    EXPECT_THAT(
        db.Execute(
            "INSERT INTO job (name, tenant, kind, state, base_model, spec, create_time, "
            "attempt, failures, crashes, cancel_requested, not_before, lease_id, "
            "lease_worker, lease_nonce, lease_until, report_number, step, total_steps, "
            "start_time, last_sequence, pictures, queue_until, deadline) VALUES "
            "(?, 'default', 'generation', ?, ?, ?, ?, 1, 2, 0, 0, ?, ?, ?, ?, ?, 0, 0, 0, "
            "?, 0, x'', ?, ?)",
            {name, state, std::string_view(kToyBase), Bytes{spec}, now, kUptime, lease_id, lease_id,
             lease_id, lease_until, now, now + 3'600'000'000, now + 3'600'000'000}),
        IsOk());
  }
};

TEST_P(OlderDatabaseTest, LeasesGetTheirFullTimeAndThenExpire) {
  Open();
  v1::ReportRequest report;
  report.set_job("jobs/leased");
  report.set_lease_id("lease_1");
  report.set_report_number(1);
  clock_.Advance(absl::Seconds(29));
  EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  EXPECT_THAT(jobs_->Report(report), IsOk());
  clock_.Advance(absl::Seconds(31));
  EXPECT_EQ(*jobs_->ReturnExpired(), 1);
  EXPECT_EQ(JobNow("jobs/leased").state(), v1::JOB_STATE_QUEUED);
}

TEST_P(OlderDatabaseTest, WaitsBeforeARetryEnd) {
  Open();
  EXPECT_EQ(Leased().job.name(), "jobs/waiting");
  clock_.Advance(absl::Seconds(31));
  EXPECT_EQ(*jobs_->ReturnExpired(), 2);
  EXPECT_FALSE(NothingToLease());
}

// Other backends have no older databases.
INSTANTIATE_TEST_SUITE_P(Sqlite, OlderDatabaseTest, testing::Values(SqliteBackend()), BackendName);

}  // namespace
}  // namespace vico::server
