// Databases that older programs wrote: schema 6, whose leases and waits count the uptime, and
// schema 8, which has no quotas.
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "server/sql/sqlite_connection.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

/// Microseconds of uptime, larger than FakeClock's.
constexpr int64_t kUptime = 5'000'000'000;

/// The first `count` scripts, 6 to 8. The tests run in the source folder.
std::string Schema(size_t count) {
  constexpr std::array<const char*, 8> kScripts = {"001_jobs",
                                                   "002_checkpoints",
                                                   "003_tenants",
                                                   "004_deadlines_blobs",
                                                   "005_lease_indexes",
                                                   "006_traces",
                                                   "007_picture_fingerprints",
                                                   "008_store_time"};
  std::string schema;
  for (size_t i = 0; i < count; ++i) {
    std::ifstream file(fmt::format("server/sql/sqlite/{}.sql", kScripts[i]));
    schema += std::string(std::istreambuf_iterator<char>(file), {});
  }
  return schema + fmt::format("PRAGMA user_version = {};", count);
}

class OlderDatabaseTest : public JobStoreTest {
 protected:
  OlderDatabaseTest() {
    const auto old = NewDatabase(6);
    EXPECT_THAT(old->Script("INSERT INTO tenant (name) VALUES ('default')"), IsOk());
    Insert(*old, "jobs/waiting", "queued", nullptr, nullptr);
    Insert(*old, "jobs/leased", "running", std::string_view("lease_1"), kUptime);
  }

  /// In place of the fixture's database: one of an older schema.
  std::unique_ptr<SqliteConnection> NewDatabase(size_t schema) {
    jobs_.reset();
    catalog_.reset();
    database_.reset();
    const std::string path = folder_.path() + "/vico.db";
    std::filesystem::remove(path);
    auto old = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite);
    EXPECT_THAT(old, IsOk());
    EXPECT_THAT((*old)->Script(Schema(schema).c_str()), IsOk());
    return *std::move(old);
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
  EXPECT_TRUE(*jobs_->KeepsHouse(/*leader=*/true));
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

TEST_P(OlderDatabaseTest, StoredBytesAndDeletedResourcesOfSchema8Count) {
  NewDatabase(8)
      ->Script(R"sql(
    INSERT INTO tenant (name, state) VALUES ('acme', 'active'), ('gone', 'deleted');
    INSERT INTO blob (tenant, sha256, size_bytes, state, time) VALUES
      ('acme', 'x', 7, 'live', 0), ('acme', 'y', 5, 'deleting', 0), ('gone', 'x', 9, 'live', 0);
    INSERT INTO concept (name, tenant, message) VALUES ('concepts/1', 'acme', x'');
    INSERT INTO request (tenant, request_id, body_hash, resource) VALUES
      ('acme', 'r1', 'h', 'concepts/1'), ('acme', 'r2', 'h', 'concepts/2');
  )sql")
      .IgnoreError();
  Open();
  EXPECT_THAT(catalog_->FindConceptByRequest({"acme", "r1", "h"}), IsOk());
  EXPECT_THAT(catalog_->FindConceptByRequest({"acme", "r2", "h"}),
              HasReason("REQUEST_RESULT_DELETED"));
  EXPECT_THAT(database_->Read([](SqlSession& db) -> absl::Status {
    EXPECT_EQ(*db.QueryInt("SELECT bytes FROM blob_total WHERE tenant = 'acme'", {}, 0), 7)
        << "without the blob that was being deleted";
    EXPECT_EQ(*db.QueryInt("SELECT count(*) FROM dead_object WHERE tenant = 'acme'", {}, 0), 1);
    EXPECT_EQ(*db.QueryInt("SELECT count(*) FROM blob WHERE tenant = 'gone'", {}, -1), 0)
        << "what an upload left after the deletion of its tenant";
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(OlderDatabaseTest, AdaptersOfSchema8KnowTheirConceptsAndCanBeEvaluated) {
  const auto old = NewDatabase(8);
  ASSERT_THAT(old->Script("INSERT INTO tenant (name) VALUES ('default')"), IsOk());
  Insert(*old, "jobs/1", "succeeded", nullptr, nullptr);
  ASSERT_THAT(old->Script(R"sql(
    UPDATE job SET concept = 'concepts/1', result_adapter = 'adapters/1', kind = 'training';
    INSERT INTO adapter (name, tenant, message) VALUES ('adapters/1', 'default', x'');
    INSERT INTO concept (name, tenant, message) VALUES ('concepts/1', 'default', x'');
  )sql"),
              IsOk());
  Open();
  ASSERT_THAT(jobs_->Delete("default", "jobs/1"), IsOk());
  EXPECT_EQ(*catalog_->ConceptOf("default", "adapters/1"), "concepts/1");
  SubmitRequest request = Generation("request-1");
  request.spec.mutable_evaluate()->set_adapter("adapters/1");
  request.spec.mutable_evaluate()->set_base_model(kToyBase);
  EXPECT_EQ(Submitted(request).kind(), v1::JOB_KIND_EVALUATION);
}

// Other backends have no older databases.
INSTANTIATE_TEST_SUITE_P(Sqlite, OlderDatabaseTest, testing::Values(SqliteBackend()), BackendName);

}  // namespace
}  // namespace vico::server
