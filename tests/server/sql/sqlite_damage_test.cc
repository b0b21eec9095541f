// A database whose file or disk fails while it is open.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/sql/sqlite_database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

constexpr int kPage = 4096;

class SqliteDamageTest : public testing::Test {
 protected:
  /// A database with tables of several pages, all in the file itself and none in memory.
  std::unique_ptr<Database> Filled() {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + "-wal");
    std::filesystem::remove(path_ + "-shm");
    auto database = SqliteDatabase::Open(path_);
    EXPECT_THAT(database, IsOk());
    EXPECT_THAT((*database)->Write([](SqlSession& db) -> absl::Status {
      for (int i = 0; i < 300; ++i) RETURN_IF_ERROR(AddTenant(db, fmt::format("tenant-{}", i)));
      return absl::OkStatus();
    }),
                IsOk());
    EXPECT_THAT((*database)->TruncateLog(), IsOk());
    return *std::move(database);
  }

  static absl::Status AddTenant(SqlSession& db, const std::string& name) {
    return db.Execute("INSERT INTO tenant (name) VALUES (?)", {name + std::string(300, '-')})
        .status();
  }

  int64_t Pages() const { return static_cast<int64_t>(std::filesystem::file_size(path_)) / kPage; }

  void Overwrite(int64_t offset, const std::string& bytes) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << bytes;
  }

  static absl::Status ReadTenants(Database& database) {
    return database.Read([](SqlSession& db) {
      return db.QueryInt("SELECT sum(length(name)) FROM tenant NOT INDEXED", {}, 0).status();
    });
  }

  TempFolder folder_{TempFolder::InMemory()};
  const std::string path_ = folder_.path() + "/vico.db";
};

TEST_F(SqliteDamageTest, TheCheckFindsDamageInAnyPageOfALiveFile) {
  const int64_t pages = [this] {
    Filled();
    return Pages();
  }();
  ASSERT_GT(pages, 40);
  for (int64_t page = 0; page < pages; page += 3) {
    SCOPED_TRACE(fmt::format("page {}", page + 1));
    const auto database = Filled();
    ASSERT_THAT(database->Check(), IsOk());
    Overwrite(page * kPage, std::string(48, '\xee'));
    const absl::Status found = database->Check();
    EXPECT_THAT(found, HasReason("DATABASE_DAMAGED"));
    EXPECT_THAT(database->Health(), HasReason("DATABASE_DAMAGED"));
    EXPECT_THAT(database->Write([](SqlSession& db) { return AddTenant(db, "late"); }),
                HasReason("DATABASE_DAMAGED"));
    EXPECT_THAT(ReadTenants(*database), HasReason("DATABASE_DAMAGED"));
  }
}

TEST_F(SqliteDamageTest, ACallThatMeetsDamageEndsAllWork) {
  const auto database = Filled();
  ASSERT_THAT(database->Health(), IsOk());
  // All pages but the first, which opens the file.
  for (int64_t page = 1; page < Pages(); ++page) Overwrite(page * kPage, std::string(48, '\xee'));
  EXPECT_THAT(ReadTenants(*database), HasReason("DATABASE_DAMAGED"));
  EXPECT_THAT(database->Health(), HasReason("DATABASE_DAMAGED"));
  EXPECT_THAT(database->Write([](SqlSession& db) { return AddTenant(db, "late"); }),
              HasReason("DATABASE_DAMAGED"));
}

TEST_F(SqliteDamageTest, AFileThatIsDeletedMovedOrReplacedIsFound) {
  const std::vector<std::function<void()>> changes{
      [this] { std::filesystem::remove(path_); },
      [this] { std::filesystem::rename(path_, path_ + ".moved"); },
      [this] {
        std::filesystem::copy_file(path_, path_ + ".copy");
        std::filesystem::rename(path_ + ".copy", path_);
      }};
  for (size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    const auto database = Filled();
    ASSERT_THAT(database->Check(), IsOk());
    changes[i]();
    EXPECT_THAT(database->Check(), HasReason("DATABASE_DAMAGED"));
    EXPECT_THAT(database->Health(), HasReason("DATABASE_DAMAGED"));
    EXPECT_THAT(database->Write([](SqlSession& db) { return AddTenant(db, "late"); }),
                HasReason("DATABASE_DAMAGED"));
  }
}

TEST_F(SqliteDamageTest, ADamagedFileIsNamedAtTheStart) {
  Filled().reset();
  Overwrite((Pages() / 2) * kPage, std::string(48, '\xee'));
  const auto opened = SqliteDatabase::Open(path_);
  EXPECT_THAT(opened, HasReason("DATABASE_DAMAGED"));
  EXPECT_THAT(opened, HasMessage(testing::HasSubstr(path_)));
}

/// Writes up to a limit on the size of files, which is lifted afterwards. Returns an exit code.
int FillTheDisk(Database& database, const std::string& path) {
  signal(SIGXFSZ, SIG_IGN);
  const auto write = [&](size_t bytes) {
    return database.Write([&](SqlSession& db) {
      return db
          .Execute("INSERT INTO tenant (name) VALUES (?) ON CONFLICT DO NOTHING",
                   {std::string(bytes, 'x')})
          .status();
    });
  };
  const rlimit full{std::filesystem::file_size(path) + 4 * kPage, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &full);
  absl::Status refused;
  for (int i = 1; i <= 50 && refused.ok(); ++i) {
    refused = write(static_cast<size_t>(i) * 16 * kPage);
  }
  const absl::Status still = database.Health();
  const rlimit roomy{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &roomy);
  const absl::Status again = write(3'000'000);
  std::fprintf(stderr, "refused: %s; health: %s; again: %s\n", Reason(refused).c_str(),
               still.ToString().c_str(), again.ToString().c_str());
  return Reason(refused) == "DISK_FULL" && still.ok() && again.ok() ? 0 : 1;
}

TEST_F(SqliteDamageTest, AFullDiskRefusesAndTheNextWriteWorksWithRoom) {
  Filled().reset();
  EXPECT_EXIT(
      {
        auto database = SqliteDatabase::Open(path_);
        std::_Exit(database.ok() ? FillTheDisk(**database, path_) : 2);
      },
      testing::ExitedWithCode(0), "refused: DISK_FULL; health: OK; again: OK");
}

TEST_F(SqliteDamageTest, AReadOnlyFileIsRefusedByName) {
  Filled().reset();
  EXPECT_EXIT(
      {
        chmod(path_.c_str(), 0444);
        chmod(folder_.path().c_str(), 0755);
        if (geteuid() == 0 && seteuid(65534) != 0) std::_Exit(3);
        const auto opened = SqliteDatabase::Open(path_);
        std::fprintf(stderr, "%s: %s\n", Reason(opened.status()).c_str(),
                     std::string(opened.status().message()).c_str());
        std::_Exit(opened.ok() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "DATABASE_READ_ONLY: database .*vico.db");
}

}  // namespace
}  // namespace vico::server
