// Exceptions in changes and reads, and allocations that fail anywhere in a transaction.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "server/sql/sqlite_database.h"
#include "tests/server/sql/failing_allocations.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

class SqliteExceptionsTest : public testing::Test {
 protected:
  SqliteExceptionsTest() {
    auto database = SqliteDatabase::Open(folder_.path() + "/vico.db");
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
  }

  absl::Status Insert(const std::string& name) {
    return database_->Write([&](SqlSession& db) {
      return db.Execute("INSERT INTO tenant (name) VALUES (?)", {name}).status();
    });
  }

  int64_t Tenants() {
    int64_t count = -1;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(count, db.QueryInt("SELECT count(*) FROM tenant", {}, 0));
      return absl::OkStatus();
    }),
                IsOk());
    return count;
  }

  TempFolder folder_{TempFolder::InMemory()};
  std::unique_ptr<Database> database_;
};

TEST_F(SqliteExceptionsTest, AChangeThatThrowsFailsAloneWhoeverLeads) {
  constexpr int kCallers = 32;
  constexpr int kRounds = 8;
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        const absl::Status status = database_->Write([&](SqlSession& db) -> absl::Status {
          const std::string name = fmt::format("tenant-{}-{}", i, round);
          RETURN_IF_ERROR(db.Execute("INSERT INTO tenant (name) VALUES (?)", {name}).status());
          if (i % 4 == 1) throw std::bad_alloc();
          if (i % 4 == 2) throw std::runtime_error("a library's text");
          if (i % 4 == 3) throw i;
          return absl::OkStatus();
        });
        if (i % 4 == 0 && status.ok()) ++right;
        if (i % 4 == 1 && Reason(status) == "OUT_OF_MEMORY") ++right;
        if (i % 4 >= 2 && absl::IsInternal(status)) ++right;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, kCallers * kRounds);
  EXPECT_EQ(Tenants(), kCallers * kRounds / 4);
  EXPECT_THAT(database_->Health(), IsOk());
}

TEST_F(SqliteExceptionsTest, ALibrarysTextStaysPrivate) {
  const absl::Status status = database_->Write(
      [](SqlSession&) -> absl::Status { throw std::runtime_error("a library's text"); });
  EXPECT_THAT(status, HasMessage(testing::Not(testing::HasSubstr("library"))));
  EXPECT_EQ(PrivateText(status), "a library's text");
}

TEST_F(SqliteExceptionsTest, AReadThatThrowsLeavesTheNextOneAlone) {
  ASSERT_THAT(Insert("a"), IsOk());
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = database_->Read([](SqlSession& db) {
      return db.Query("SELECT name FROM tenant", {},
                      [](const SqlRow&) -> absl::Status { throw std::bad_alloc(); });
    });
    EXPECT_THAT(status, HasReason("OUT_OF_MEMORY"));
    EXPECT_EQ(Tenants(), 1);
  }
  EXPECT_THAT(Insert("b"), IsOk()) << "no reader is left in its transaction";
}

TEST_F(SqliteExceptionsTest, AnyAllocationOfATransactionMayFail) {
  for (const Failing failing : {Failing::kOnce, Failing::kForGood}) {
    int64_t inserted = Tenants();
    int64_t failed = 1;
    int64_t allocations = 0;
    for (; failed > 0; ++allocations) {
      const std::string name = fmt::format("tenant-{}-{}", static_cast<int>(failing), allocations);
      // A text of its own, so that preparing it allocates too.
      const std::string sql = fmt::format("INSERT INTO tenant (name) VALUES (?) -- {}", name);
      const Database::Work work = [&](SqlSession& db) { return db.Execute(sql, {name}).status(); };
      FailAllocations(failing, allocations);
      const absl::Status status = database_->Write(work);
      failed = StopFailing();
      if (status.ok()) {
        ++inserted;
      } else {
        EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
      }
      ASSERT_EQ(Tenants(), inserted) << "allocation " << allocations;
      ASSERT_THAT(database_->Health(), IsOk()) << "allocation " << allocations;
      ASSERT_THAT(Insert(name + "-next"), IsOk()) << "allocation " << allocations;
      ++inserted;
    }
    EXPECT_GT(allocations, 10) << "the test reaches the allocations of a transaction";
    RecordProperty("allocations", static_cast<int>(allocations));
  }
}

TEST_F(SqliteExceptionsTest, CallersThatShareACommitSurviveFailingAllocations) {
  constexpr int kCallers = 8;
  constexpr int kRounds = 200;
  std::atomic<int64_t> inserted = 0;
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  std::vector<std::string> names(kCallers, std::string(64, '-'));
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      std::string& name = names[static_cast<size_t>(i)];
      const Database::Work work = [&](SqlSession& db) {
        return db.Execute("INSERT INTO tenant (name) VALUES (?)", {name}).status();
      };
      for (int round = 0; round < kRounds; ++round) {
        name[0] = static_cast<char>('a' + i);
        name[1] = static_cast<char>('a' + round / 16);
        name[2] = static_cast<char>('a' + round % 16);
        if (database_->Write(work).ok()) ++inserted;
        ++answered;
      }
    });
  }
  FailAllocations(Failing::kEach, 23);
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(StopFailing(), 0);
  EXPECT_EQ(answered, kCallers * kRounds);
  EXPECT_EQ(Tenants(), inserted);
  EXPECT_THAT(database_->Health(), IsOk());
  EXPECT_THAT(Insert("next"), IsOk());
}

uint64_t AddressSpace() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

/// Writes much more than fits into the address space, on several threads. Returns an exit code.
int WriteUnderALimit(Database& database) {
  const uint64_t limit = AddressSpace() + (uint64_t{256} << 20);
  std::atomic<int> refused = 0;
  std::atomic<int> other = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 4; ++round) {
        const absl::Status status = database.Write([&](SqlSession& db) -> absl::Status {
          const std::string big(size_t{48} << 20, static_cast<char>('a' + i));
          const std::string twice = big + big;
          return db.Execute("INSERT INTO tenant (name) VALUES (?) ON CONFLICT DO NOTHING", {twice})
              .status();
        });
        if (status.ok()) continue;
        ++(absl::IsResourceExhausted(status) ? refused : other);
      }
    });
    if (i == 0) {
      const rlimit as{limit, RLIM_INFINITY};
      setrlimit(RLIMIT_AS, &as);
    }
  }
  for (std::thread& caller : callers) caller.join();
  const absl::Status next = database.Write([](SqlSession& db) {
    return db.Execute("INSERT INTO tenant (name) VALUES ('next')").status();
  });
  std::fprintf(stderr, "refused %d, other errors %d, next: %s\n", refused.load(), other.load(),
               next.ToString().c_str());
  return refused > 0 && other == 0 && next.ok() && database.Health().ok() ? 0 : 1;
}

TEST_F(SqliteExceptionsTest, AFullAddressSpaceIsARefusal) {
#ifdef VICO_SANITIZED
  GTEST_SKIP() << "sanitizers need the address space";
#endif
  const std::string path = folder_.path() + "/vico.db";
  database_.reset();
  EXPECT_EXIT(
      {
        auto database = SqliteDatabase::Open(path);
        std::_Exit(database.ok() ? WriteUnderALimit(**database) : 2);
      },
      testing::ExitedWithCode(0), "next: OK");
}

}  // namespace
}  // namespace vico::server
