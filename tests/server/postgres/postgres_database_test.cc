#include "server/postgres/postgres_database.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/clock.h"
#include "common/status.h"
#include "server/postgres/postgres_migration.h"
#include "server/sql/migrations.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<PostgresDatabase> Opened(const std::string& url, int connections = 8) {
  auto database = PostgresDatabase::Open({.url = url, .connections = connections});
  EXPECT_THAT(database, IsOk());
  return database.ok() ? *std::move(database) : nullptr;
}

class PostgresDatabaseTest : public testing::Test {
 protected:
  PostgresDatabaseTest()
      : url_(PostgresCluster::OfThisProgram().NewDatabase()), database_(Opened(url_)) {
    EXPECT_THAT(Set("x", 0), IsOk());
  }
  ~PostgresDatabaseTest() override {
    database_.reset();
    PostgresCluster::OfThisProgram().DropDatabase(url_);
  }

  /// The tests count with the turns of tenants.
  absl::Status Set(const std::string& name, int64_t turn) {
    return database_->Write([&](SqlSession& db) {
      return db.Send(
          "INSERT INTO tenant (name, turn) VALUES (?1, ?2) "
          "ON CONFLICT (name) DO UPDATE SET turn = excluded.turn",
          {name, turn});
    });
  }

  int64_t Get(const std::string& name) {
    int64_t turn = -1;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(turn, db.QueryInt("SELECT turn FROM tenant WHERE name = ?", {name}, -1));
      return absl::OkStatus();
    }),
                IsOk());
    return turn;
  }

  std::string url_;
  std::unique_ptr<PostgresDatabase> database_;
};

TEST_F(PostgresDatabaseTest, AFailedChangeLeavesNothing) {
  EXPECT_THAT(database_->Write([](SqlSession& db) {
    RETURN_IF_ERROR(db.Send("UPDATE tenant SET turn = 7", {}));
    return absl::NotFoundError("of the change");
  }),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(Get("x"), 0);
}

TEST_F(PostgresDatabaseTest, AChangeThatGoesOnAfterAFailedStatementDoesNotCommit) {
  const absl::Status status = database_->Write([](SqlSession& db) {
    db.Execute("UPDATE tenant SET turn = 7").IgnoreError();
    db.Execute("SELECT * FROM no_such_table").IgnoreError();
    return absl::OkStatus();
  });
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInternal));
  EXPECT_EQ(Get("x"), 0);
}

TEST_F(PostgresDatabaseTest, AChangeOfOneRowThatFindsNoneFailsWithItsError) {
  EXPECT_THAT(database_->Write([](SqlSession& db) {
    RETURN_IF_ERROR(db.Send("UPDATE tenant SET turn = 7 WHERE name = 'x'", {}));
    return db.SendOne("UPDATE tenant SET turn = 7 WHERE name = ?", {std::string_view("none")},
                      absl::AbortedError("none"));
  }),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(Get("x"), 0);
  EXPECT_THAT(database_->Write([](SqlSession& db) {
    return db.SendOne("UPDATE tenant SET turn = 7 WHERE name = ?", {std::string_view("x")},
                      absl::AbortedError("none"));
  }),
              IsOk());
  EXPECT_EQ(Get("x"), 7);
}

TEST_F(PostgresDatabaseTest, EveryValueComesBackAsItWasGiven) {
  const std::string bytes("\0\xff'\"\\$1?", 8);
  const std::string text = "Größe ? $1 '";
  const int64_t number = INT64_MIN;
  EXPECT_THAT(database_->Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(db.Script("CREATE TABLE value (text TEXT, bytes BYTEA, number BIGINT)"));
    return db.Send("INSERT INTO value VALUES (?, ?, ?), (NULL, NULL, NULL)",
                   {text, Bytes{bytes}, number});
  }),
              IsOk());
  int rows = 0;
  EXPECT_THAT(database_->Read([&](SqlSession& db) {
    return db.Query("SELECT text, bytes, number, '?' FROM value ORDER BY number NULLS LAST", {},
                    [&](const SqlRow& row) {
                      const bool first = ++rows == 1;
                      EXPECT_EQ(row.Text(0), first ? text : "");
                      EXPECT_EQ(row.Text(1), first ? bytes : "");
                      EXPECT_EQ(row.Int(2), first ? number : 0);
                      EXPECT_EQ(row.Text(3), "?");
                      return absl::OkStatus();
                    });
  }),
              IsOk());
  EXPECT_EQ(rows, 2);
}

TEST_F(PostgresDatabaseTest, AReadSeesOneStateAndChangesNothing) {
  EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t before, db.QueryInt("SELECT turn FROM tenant", {}, -1));
    EXPECT_THAT(Set("x", 5), IsOk());
    ASSIGN_OR_RETURN(const int64_t after,
                     db.QueryInt("SELECT turn FROM tenant WHERE name = 'x'", {}, -1));
    EXPECT_EQ(before, after);
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(Get("x"), 5);
  EXPECT_THAT(
      database_->Read([](SqlSession& db) { return db.Execute("DELETE FROM tenant").status(); }),
      Not(IsOk()));
  EXPECT_EQ(Get("x"), 5);
}

// Without the scope both read the same number.
TEST_F(PostgresDatabaseTest, ChangesOfOneScopeComeOneAfterAnother) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        EXPECT_THAT(database_->Write([](SqlSession& db) -> absl::Status {
          RETURN_IF_ERROR(db.Lock("scope"));
          ASSIGN_OR_RETURN(const int64_t turn, db.QueryInt("SELECT turn FROM tenant", {}, 0));
          return db.Send("UPDATE tenant SET turn = ?", {turn + 1});
        }),
                    IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Get("x"), kThreads * kRounds);
}

TEST_F(PostgresDatabaseTest, ADeadlockedChangeRunsAgain) {
  EXPECT_THAT(Set("y", 0), IsOk());
  std::atomic<int> holding = 0;
  std::atomic<int> runs = 0;
  const auto raise = [&](const std::string& first, const std::string& second) {
    return database_->Write([&](SqlSession& db) -> absl::Status {
      ++runs;
      RETURN_IF_ERROR(
          db.Execute("UPDATE tenant SET turn = turn + 1 WHERE name = ?", {first}).status());
      // Both hold their first row before they ask for the second. A later run does not wait.
      ++holding;
      while (holding < 2) std::this_thread::yield();
      return db.Execute("UPDATE tenant SET turn = turn + 1 WHERE name = ?", {second}).status();
    });
  };
  std::thread other([&] { EXPECT_THAT(raise("x", "y"), IsOk()); });
  EXPECT_THAT(raise("y", "x"), IsOk());
  other.join();
  // PostgreSQL ends one of them, or both.
  EXPECT_GE(runs, 3);
  EXPECT_EQ(Get("x"), 2);
  EXPECT_EQ(Get("y"), 2);
}

TEST_F(PostgresDatabaseTest, RowsOfADeletedTenantAreRefused) {
  EXPECT_THAT(database_->Write([](SqlSession& db) {
    return db.Send("UPDATE tenant SET state = 'deleted' WHERE name = 'x'", {});
  }),
              IsOk());
  EXPECT_THAT(database_->Write([](SqlSession& db) {
    return db.Send("INSERT INTO concept (name, tenant, message) VALUES ('concepts/1', 'x', ?)",
                   {Bytes{"m"}});
  }),
              AllOf(HasCode(absl::StatusCode::kFailedPrecondition), HasReason("TENANT_DELETED")));
}

TEST_F(PostgresDatabaseTest, MoreCallersThanConnectionsTakeTurns) {
  database_ = Opened(url_, 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] { EXPECT_THAT(Set(fmt::format("t{}", t), t), IsOk()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Get("t11"), 11);
}

TEST_F(PostgresDatabaseTest, ItsClockIsTheDatabases) {
  const SystemClock clock;
  ASSERT_TRUE(database_->UptimeZero().has_value());
  const absl::Duration off = *database_->UptimeZero() + clock.Uptime() - clock.Now();
  EXPECT_LT(absl::AbsDuration(off), absl::Seconds(1));
}

TEST_F(PostgresDatabaseTest, AConnectionThatIsEndedBetweenCallsIsReplaced) {
  PostgresCluster::OfThisProgram().Psql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
      "'vico-server'");
  EXPECT_THAT(Set("x", 3), IsOk());
  EXPECT_EQ(Get("x"), 3);
}

// The connection ends while the change runs: it runs again on another one.
TEST_F(PostgresDatabaseTest, AConnectionThatIsEndedBeforeTheCommitLosesNothing) {
  int runs = 0;
  EXPECT_THAT(database_->Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t pid, db.QueryInt("SELECT pg_backend_pid()", {}, 0));
    RETURN_IF_ERROR(db.Execute("UPDATE tenant SET turn = turn + 1").status());
    if (++runs == 1) {
      PostgresCluster::OfThisProgram().Psql(
          fmt::format("SELECT pg_terminate_backend({}, 5000)", pid));
      return db.Execute("UPDATE tenant SET turn = turn + 10").status();
    }
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Get("x"), 1);
}

// A trigger at the end of the transaction ends the connection, so that COMMIT has no answer.
TEST_F(PostgresDatabaseTest, AConnectionThatIsLostDuringTheCommitIsNoSuccess) {
  EXPECT_THAT(database_->Write([](SqlSession& db) {
    return db.Script(
        "CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; "
        "END $$; CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON tenant "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_it()");
  }),
              IsOk());
  int runs = 0;
  const absl::Status status = database_->Write([&](SqlSession& db) {
    ++runs;
    return db.Send("UPDATE tenant SET turn = turn + 1", {});
  });
  EXPECT_THAT(status,
              AllOf(HasCode(absl::StatusCode::kUnavailable), HasReason("DATABASE_UNAVAILABLE")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("outcome is unknown"));
  EXPECT_GT(RetryAfter(status), absl::ZeroDuration());
  EXPECT_EQ(runs, 1) << "a change in doubt must not run again by itself";
  EXPECT_THAT(database_->Health(), IsOk());
}

TEST_F(PostgresDatabaseTest, ANewerSchemaIsAcceptedIfItAdmitsThisProgram) {
  const auto add = [&](int64_t number, int64_t oldest_program) {
    EXPECT_THAT(database_->Write([&](SqlSession& db) {
      return db.Send("INSERT INTO migration (number, oldest_program) VALUES (?, ?)",
                     {number, oldest_program});
    }),
                IsOk());
  };
  add(NewestSchema() + 1, NewestSchema());
  EXPECT_THAT(database_->Check(), IsOk());
  EXPECT_THAT(PostgresDatabase::Open({.url = url_}), IsOk());
  add(NewestSchema() + 2, NewestSchema() + 1);
  add(NewestSchema() + 3, NewestSchema());
  const auto refused = PostgresDatabase::Open({.url = url_}).status();
  EXPECT_THAT(refused,
              AllOf(HasCode(absl::StatusCode::kFailedPrecondition), HasReason("DATABASE_TOO_NEW")));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("postgres://postgres@"));
  // A running server ends.
  EXPECT_THAT(database_->Health(), IsOk());
  EXPECT_THAT(database_->Check(), HasReason("DATABASE_TOO_NEW"));
  EXPECT_THAT(database_->Health(), HasReason("DATABASE_TOO_NEW"));
  EXPECT_THAT(database_->Check(), HasReason("DATABASE_TOO_NEW"));
  // Its callers go to another server: no error of theirs is final.
  EXPECT_THAT(database_->Read([](SqlSession&) { return absl::OkStatus(); }),
              AllOf(HasCode(absl::StatusCode::kUnavailable), HasReason("DATABASE_UNAVAILABLE")));
}

TEST_F(PostgresDatabaseTest, AnOlderSchemaIsRefusedUnlessItMayBeMigrated) {
  const std::string url = PostgresCluster::OfThisProgram().NewDatabase();
  EXPECT_THAT(PostgresDatabase::Open({.url = url}, PostgresDatabase::Schema::kCheck),
              HasReason("DATABASE_TOO_OLD"));
  EXPECT_THAT(PostgresDatabase::Open({.url = url}), IsOk());
  EXPECT_THAT(PostgresDatabase::Open({.url = url}, PostgresDatabase::Schema::kCheck), IsOk());
}

TEST_F(PostgresDatabaseTest, SeveralProgramsMigrateOnce) {
  const std::string url = PostgresCluster::OfThisProgram().NewDatabase();
  std::atomic<int> applied = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto connection = PostgresConnection::Open({.url = url});
      ASSERT_THAT(connection, IsOk());
      const auto count = MigratePostgres(**connection, "test");
      EXPECT_THAT(count, IsOk());
      applied += count.value_or(0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(applied, static_cast<int>(PostgresMigrations().size()));
}

TEST(PostgresMigrationsTest, BothEnginesHaveTheSameNumbers) {
  EXPECT_EQ(PostgresMigrations().front().number, kFirstMigrationRow);
  EXPECT_EQ(PostgresMigrations().back().number, SqliteMigrations().back().number);
  int64_t number = 0;
  for (const Migration& migration : SqliteMigrations()) EXPECT_EQ(migration.number, ++number);
  number = kFirstMigrationRow;
  for (const Migration& migration : PostgresMigrations()) EXPECT_EQ(migration.number, number++);
}

class PostgresServerTest : public testing::Test {
 protected:
  PostgresServerTest() : cluster_({.settings = "deadlock_timeout = 200ms\n"}) {
    url_ = cluster_.NewDatabase();
    database_ = Opened(url_);
  }

  absl::Status Count() {
    return database_->Write([](SqlSession& db) {
      return db.Send(
          "INSERT INTO tenant (name, turn) VALUES ('x', 1) "
          "ON CONFLICT (name) DO UPDATE SET turn = tenant.turn + 1",
          {});
    });
  }

  PostgresCluster cluster_;
  std::string url_;
  std::unique_ptr<PostgresDatabase> database_;
};

// Callers go on while the server is killed and comes back. What was acknowledged is there.
TEST_F(PostgresServerTest, ARestartLosesNoAcknowledgedChange) {
  std::atomic<bool> stop = false;
  std::atomic<int> acknowledged = 0;
  std::atomic<int> in_doubt = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const absl::Status status = Count();
        if (status.ok()) {
          ++acknowledged;
          continue;
        }
        EXPECT_THAT(status, HasReason("DATABASE_UNAVAILABLE"));
        ++(status.message().find("unknown") != absl::string_view::npos ? in_doubt : refused);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  }
  const auto wait_for_more = [&] {
    const int before = acknowledged;
    EXPECT_TRUE(Eventually([&] { return acknowledged > before + 20; }));
  };
  wait_for_more();
  cluster_.Kill();
  EXPECT_TRUE(Eventually([&] { return refused > 0; }));
  EXPECT_THAT(database_->Health(), IsOk()) << "the process waits for it";
  cluster_.Start();
  wait_for_more();
  cluster_.Restart();
  wait_for_more();
  stop = true;
  for (std::thread& thread : threads) thread.join();

  const int counted = std::stoi(cluster_.Psql("SELECT turn FROM tenant", "test1"));
  EXPECT_GE(counted, acknowledged);
  EXPECT_LE(counted, acknowledged + in_doubt);
}

TEST_F(PostgresServerTest, WhoIsRefusedLearnsWhereAndWhy) {
  const std::string missing = cluster_.UrlOf("missing");
  const auto no_database = PostgresDatabase::Open({.url = missing}).status();
  EXPECT_THAT(no_database,
              AllOf(HasCode(absl::StatusCode::kFailedPrecondition), HasReason("DATABASE_REFUSED")));
  EXPECT_THAT(std::string(no_database.message()),
              AllOf(HasSubstr("/missing"), HasSubstr("postgres@"), HasSubstr("does not exist")));
}

TEST_F(PostgresServerTest, ItTellsAWrongPasswordFromAServerThatIsAway) {
  cluster_.Psql("CREATE ROLE vico LOGIN PASSWORD 'right'");
  cluster_.Psql("ALTER DATABASE test1 OWNER TO vico");
  cluster_.RequirePasswords("vico");
  std::string url = url_;
  url.replace(url.find("postgres@"), 9, "vico@");
  EXPECT_THAT(PostgresConnection::Open({.url = url, .password = Sensitive("right")}), IsOk());
  const auto wrong =
      PostgresConnection::Open({.url = url, .password = Sensitive("wrong-secret")}).status();
  EXPECT_THAT(wrong,
              AllOf(HasCode(absl::StatusCode::kFailedPrecondition), HasReason("DATABASE_REFUSED")));
  EXPECT_THAT(std::string(wrong.message()),
              AllOf(HasSubstr("vico@"), HasSubstr("password authentication failed"),
                    HasSubstr("--database-password-file"), Not(HasSubstr("wrong-secret"))));
  cluster_.Stop();
  EXPECT_THAT(PostgresConnection::Open({.url = url, .password = Sensitive("right")}),
              HasReason("DATABASE_UNAVAILABLE"));
  cluster_.Start();
}

TEST_F(PostgresServerTest, AFullDiskIsAnErrorOfItsOwn) {
  EXPECT_THAT(database_->Write([](SqlSession& db) {
    return db.Script("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$");
  }),
              AllOf(HasCode(absl::StatusCode::kResourceExhausted), HasReason("DISK_FULL")));
}

}  // namespace
}  // namespace vico::server
