#include "server/sql/sqlite_database.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/status.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

class SqliteDatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> Open() {
    auto database = SqliteDatabase::Open(path_);
    EXPECT_THAT(database, IsOk());
    return database.ok() ? *std::move(database) : nullptr;
  }

  static absl::Status AddTenant(SqlSession& db, std::string_view name) {
    return db.Execute("INSERT INTO tenant (name) VALUES (?)", {name}).status();
  }

  static int64_t Tenants(Database& database) {
    int64_t count = -1;
    EXPECT_THAT(database.Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(count, db.QueryInt("SELECT count(*) FROM tenant", {}, 0));
      return absl::OkStatus();
    }),
                IsOk());
    return count;
  }

  TempFolder folder_;
  const std::string path_ = folder_.path() + "/vico.db";
};

TEST_F(SqliteDatabaseTest, ReadsACommittedChangeAlsoAfterReopening) {
  auto database = Open();
  ASSERT_THAT(database->Write([](SqlSession& db) { return AddTenant(db, "a"); }), IsOk());
  EXPECT_EQ(Tenants(*database), 1);
  database.reset();
  database = Open();
  EXPECT_EQ(Tenants(*database), 1);
}

TEST_F(SqliteDatabaseTest, RollsBackAFailedChange) {
  const auto database = Open();
  const absl::Status status = database->Write([](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(AddTenant(db, "a"));
    return absl::NotFoundError("changed my mind");
  });
  EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(Tenants(*database), 0);
}

TEST_F(SqliteDatabaseTest, ChangesInOneCommitFailIndependently) {
  const auto database = Open();
  constexpr int kCallers = 32;
  std::atomic<int> failed = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      const absl::Status status = database->Write([&](SqlSession& db) -> absl::Status {
        RETURN_IF_ERROR(AddTenant(db, fmt::format("tenant-{}", i)));
        return i % 4 == 0 ? absl::AbortedError("no") : absl::OkStatus();
      });
      EXPECT_EQ(absl::IsAborted(status), i % 4 == 0);
      failed += status.ok() ? 0 : 1;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, kCallers / 4);
  EXPECT_EQ(Tenants(*database), kCallers - kCallers / 4);
}

TEST_F(SqliteDatabaseTest, AReaderSeesOneState) {
  const auto database = Open();
  ASSERT_THAT(database->Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t before, db.QueryInt("SELECT count(*) FROM tenant", {}, -1));
    RETURN_IF_ERROR(database->Write([](SqlSession& w) { return AddTenant(w, "a"); }));
    ASSIGN_OR_RETURN(const int64_t after, db.QueryInt("SELECT count(*) FROM tenant", {}, -1));
    EXPECT_EQ(before, after);
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(Tenants(*database), 1);
}

TEST_F(SqliteDatabaseTest, AFullDiskFailsTheChangeOnly) {
  const auto database = Open();
  ASSERT_THAT(database->Write([](SqlSession& db) { return AddTenant(db, "a"); }), IsOk());
  ASSERT_THAT(database->Write([](SqlSession& db) {
    return db.Script("PRAGMA max_page_count = 1");  // of what there is: no growth
  }),
              IsOk());
  const std::string big(1 << 20, 'x');
  const absl::Status status = database->Write([&](SqlSession& db) { return AddTenant(db, big); });
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(status, HasReason("DISK_FULL"));
  EXPECT_EQ(Tenants(*database), 1);
  EXPECT_THAT(database->Health(), IsOk());

  ASSERT_THAT(
      database->Write([](SqlSession& db) { return db.Script("PRAGMA max_page_count = 1000000"); }),
      IsOk());
  EXPECT_THAT(database->Write([&](SqlSession& db) { return AddTenant(db, big); }), IsOk());
}

TEST_F(SqliteDatabaseTest, RefusesAFileOfANewerProgram) {
  ASSERT_THAT(Open()->Write([](SqlSession& db) { return db.Script("PRAGMA user_version = 99"); }),
              IsOk());
  const auto reopened = SqliteDatabase::Open(path_);
  EXPECT_THAT(reopened, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(reopened, HasMessage(testing::HasSubstr("99")));
}

TEST_F(SqliteDatabaseTest, RefusesADamagedFile) {
  {
    const auto database = Open();
    for (int i = 0; i < 200; ++i) {
      ASSERT_THAT(database->Write([&](SqlSession& db) {
        return AddTenant(db, fmt::format("{}{}", i, std::string(200, 'x')));
      }),
                  IsOk());
    }
  }
  const auto size = std::filesystem::file_size(path_);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file << std::string(size / 2 - 4096, '\xee');
  file.close();
  EXPECT_THAT(SqliteDatabase::Open(path_), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(SqliteDatabaseTest, RefusesAFileThatIsNotADatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_THAT(SqliteDatabase::Open(path_), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(SqliteDatabaseTest, TheSchemaIsStrict) {
  const auto database = Open();
  EXPECT_THAT(database->Write([](SqlSession& db) {
    return db.Execute("INSERT INTO tenant (name, turn) VALUES ('a', 'soon')").status();
  }),
              HasCode(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace vico::server
