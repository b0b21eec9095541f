// Two races that SQLite's single writer hides, held open on PostgreSQL: a lock on the table of
// events stops a report between what it reads and what it writes.
#include <thread>

#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/blob_rows.h"
#include "server/objects/local_objects.h"
#include "tests/server/store/job_store_fixture.h"
#include "tests/support/processes.h"

namespace vico::server {
namespace {

class PostgresRaceTest : public JobStoreTest {
 protected:
  PostgresRaceTest() {
    Submitted(Generation("request-1"));
    grant_ = Leased();
    auto blocker = PostgresConnection::Open({.url = PostgresUrlOf(folder_.path())});
    EXPECT_THAT(blocker, IsOk());
    blocker_ = *std::move(blocker);
    auto observer = PostgresConnection::Open({.url = PostgresUrlOf(folder_.path())});
    EXPECT_THAT(observer, IsOk());
    observer_ = *std::move(observer);
  }

  void HoldEvents() {
    blocker_->Begin(PostgresConnection::Transaction::kChange);
    EXPECT_THAT(blocker_->Script("LOCK TABLE event IN EXCLUSIVE MODE"), IsOk());
  }

  void ReleaseEvents() { EXPECT_THAT(blocker_->Commit(), IsOk()); }

  /// Waits until this many transactions of the database wait for a lock.
  bool WaitFor(int waiting, const std::atomic<bool>& done) {
    return Eventually([&] {
      const auto count = observer_->QueryInt(
          "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
          "AND wait_event_type = 'Lock'",
          {}, 0);
      EXPECT_THAT(count, IsOk());
      return done || *count >= waiting;
    });
  }

  Grant grant_;
  std::unique_ptr<PostgresConnection> blocker_;
  std::unique_ptr<PostgresConnection> observer_;
};

TEST_P(PostgresRaceTest, AReportThatBeganBeforeACancelKeepsTheCancel) {
  HoldEvents();
  std::atomic<bool> never = false;
  std::atomic<bool> cancelled = false;
  std::thread reporter([&] { EXPECT_THAT(jobs_->Report(ReportOf(grant_, 1, 1)), IsOk()); });
  EXPECT_TRUE(WaitFor(1, never));
  std::thread canceller([&] {
    EXPECT_THAT(jobs_->Cancel("default", grant_.job.name()), IsOk());
    cancelled = true;
  });
  // It waits for the report, or without a row lock is done before it.
  EXPECT_TRUE(WaitFor(2, cancelled));
  ReleaseEvents();
  reporter.join();
  canceller.join();

  EXPECT_TRUE(JobNow(grant_.job.name()).cancel_requested());
  const auto directive = jobs_->Report(ReportOf(grant_, 2));
  ASSERT_THAT(directive, IsOk());
  EXPECT_EQ(*directive, v1::DIRECTIVE_CANCEL);
}

TEST_P(PostgresRaceTest, GarbageCollectionKeepsABlobThatIsBeingNamed) {
  const std::string sha256(64, 'a');
  const std::string key = "default/aa/" + sha256;
  EXPECT_THAT(database_->Write([&](SqlSession& db) {
    return db
        .Execute("UPDATE blob SET object_key = ? WHERE tenant = 'default' AND sha256 = ?",
                 {key, sha256})
        .status();
  }),
              IsOk());
  PosixFiles files;
  const auto objects = LocalObjects::Open(folder_.path() + "/blobs", files);
  ASSERT_THAT(objects, IsOk());
  // The blob was uploaded before the job began, so that the job alone does not keep it.
  BlobGarbageCollector collector({**objects, *database_, *time_}, absl::ZeroDuration());

  v1::ReportRequest report = ReportOf(grant_, 1);
  report.add_events()->mutable_picture()->mutable_blob()->set_sha256(sha256);
  HoldEvents();
  std::atomic<bool> never = false;
  std::atomic<bool> collected = false;
  std::thread reporter([&] { EXPECT_THAT(jobs_->Report(report), IsOk()); });
  EXPECT_TRUE(WaitFor(1, never));
  std::thread garbage([&] {
    EXPECT_THAT(collector.Turn(100), IsOk());
    collected = true;
  });
  EXPECT_TRUE(WaitFor(2, collected));
  ReleaseEvents();
  reporter.join();
  garbage.join();

  EXPECT_THAT(
      database_->Read([&](SqlSession& db) { return FindLiveBlob(db, "default", sha256).status(); }),
      IsOk());
}

INSTANTIATE_TEST_SUITE_P(Backends, PostgresRaceTest, testing::Values(PostgresBackend()),
                         BackendName);

}  // namespace
}  // namespace vico::server
