// Readiness: a full disk, a disk that does not answer, a damaged database.
#include "server/storage/readiness.h"

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include <gmock/gmock.h>

#include "server/sql/sqlite_database.h"
#include "tests/server/forwarding_files.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

/// The real file system; a test can fill its disk or make it hang.
class TroubledFiles final : public ForwardingFiles {
 public:
  std::atomic<bool> full{false};
  std::promise<void> reached;            ///< set when a call hangs
  std::shared_future<void> hangs_until;  ///< valid: the next Create waits for it

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    if (hangs_until.valid()) {
      reached.set_value();
      hangs_until.wait();
    }
    if (full) return Error(absl::StatusCode::kResourceExhausted, "disk full", "DISK_FULL");
    return ForwardingFiles::Create(path);
  }
};

class ReadinessTest : public testing::Test {
 protected:
  ReadinessTest() {
    auto database = SqliteDatabase::Open(folder_.path() + "/vico.db");
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
    readiness_.emplace(*database_, files_, probe_, clock_, Log::Off());
  }

  absl::Status Sql(const char* script) {
    return database_->Write([&](SqlSession& db) { return db.Script(script); });
  }

  TempFolder folder_{TempFolder::InMemory()};
  const std::string probe_ = folder_.path() + "/.readiness";
  FakeClock clock_;
  TroubledFiles files_;
  std::unique_ptr<Database> database_;
  std::optional<Readiness> readiness_;
};

TEST_F(ReadinessTest, WritesARowAndLeavesNoFile) {
  readiness_->TryWrite();
  readiness_->TryWrite();
  EXPECT_THAT(readiness_->Now(), IsOk());
  EXPECT_FALSE(std::filesystem::exists(probe_));
  int64_t rows = 0;
  ASSERT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(rows, db.QueryInt("SELECT count(*) FROM readiness", {}, 0));
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(rows, 1);
}

TEST_F(ReadinessTest, AFullDiskOfBlobsIsNotReadyUntilItHasRoom) {
  files_.full = true;
  readiness_->TryWrite();
  EXPECT_THAT(readiness_->Now(), HasReason("DISK_FULL"));
  files_.full = false;
  readiness_->TryWrite();
  EXPECT_THAT(readiness_->Now(), IsOk());
}

TEST_F(ReadinessTest, AFullDiskOfTheDatabaseIsNotReadyUntilItHasRoom) {
  // The transaction needs a page, and there is none.
  ASSERT_THAT(Sql("PRAGMA max_page_count = 1; DROP TABLE readiness; "
                  "CREATE TABLE readiness (\"only\" INTEGER PRIMARY KEY, time INTEGER NOT NULL, "
                  "filler BLOB DEFAULT (zeroblob(300000)))"),
              IsOk());
  readiness_->TryWrite();
  EXPECT_THAT(readiness_->Now(), HasReason("DISK_FULL"));
  ASSERT_THAT(Sql("PRAGMA max_page_count = 1000000"), IsOk());
  readiness_->TryWrite();
  EXPECT_THAT(readiness_->Now(), IsOk());
}

TEST_F(ReadinessTest, ADiskThatDoesNotAnswerIsNotReadyAfterFiveSeconds) {
  readiness_->TryWrite();
  std::promise<void> release;
  files_.hangs_until = release.get_future().share();
  std::thread writing([this] { readiness_->TryWrite(); });
  files_.reached.get_future().wait();
  clock_.Advance(absl::Seconds(4));
  EXPECT_THAT(readiness_->Now(), IsOk());
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(readiness_->Now(), HasReason("DISK_STUCK"));
  release.set_value();
  writing.join();
  EXPECT_THAT(readiness_->Now(), IsOk());
}

TEST_F(ReadinessTest, AFileOfAKilledServerIsNoObstacle) {
  ASSERT_THAT(files_.Create(probe_), IsOk());
  readiness_->TryWrite();
  EXPECT_THAT(readiness_->Now(), IsOk());
}

}  // namespace
}  // namespace vico::server
