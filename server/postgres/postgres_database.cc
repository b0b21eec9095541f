#include "server/postgres/postgres_database.h"

#include <algorithm>
#include <utility>

#include "common/backoff.h"
#include "common/crypto/random_bits.h"
#include "common/exception_status.h"
#include "common/status.h"
#include "server/postgres/postgres_migration.h"

namespace vico::server {
namespace {

constexpr int kTries = 8;
constexpr BackoffOptions kBetweenTries{
    .first = absl::Milliseconds(5), .longest = absl::Milliseconds(200), .least_share = 0.2};
// How long a failed attempt to connect answers for others, and a caller waits for a connection.
constexpr auto kRestOfAttempts = std::chrono::milliseconds(250);
constexpr auto kLongestWaitForConnection = std::chrono::seconds(10);

absl::Status Guarded(const Database::Work& work, SqlSession& session) noexcept {
  try {
    return work(session);
  } catch (...) {
    return StatusOfException();
  }
}

absl::Status Prepare(PostgresConnection& connection, const std::string& name,
                     PostgresDatabase::Schema schema) {
  switch (schema) {
    case PostgresDatabase::Schema::kMigrate:
      return MigratePostgres(connection, name).status();
    case PostgresDatabase::Schema::kCheck:
      return CheckPostgresSchema(connection, name);
    case PostgresDatabase::Schema::kAny:
      break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresDatabase>> PostgresDatabase::Open(
    const PostgresOptions& options, Schema schema) {
  ASSIGN_OR_RETURN(std::string name, PostgresName(options.url));
  std::unique_ptr<PostgresDatabase> database(new PostgresDatabase(options, std::move(name)));
  ASSIGN_OR_RETURN(Connection connection, database->Take());
  const absl::Status ready = Prepare(*connection, database->name_, schema);
  database->GiveBack(std::move(connection));
  RETURN_IF_ERROR(ready);
  return database;
}

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresDatabase::Connect() {
  return PostgresConnection::Open(options_);
}

/// An idle connection or a new one. While there is no room for another, it waits for one.
absl::StatusOr<PostgresDatabase::Connection> PostgresDatabase::Take() {
  {
    const MutexLock lock(mutex_);
    // Another server may still answer: no call, and no job of a worker, fails for good.
    if (!broken_.ok()) {
      return DatabaseUnavailable("database: has another version's schema", broken_.ToString());
    }
    if (!free_.WaitFor(mutex_, kLongestWaitForConnection, [this] {
          mutex_.AssertHeld();
          return !idle_.empty() || open_ < options_.connections;
        })) {
      return DatabaseUnavailable("database: all connections are in use", name_);
    }
    if (!idle_.empty()) {
      Connection connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    if (!away_.ok() && std::chrono::steady_clock::now() < away_until_) return away_;
    ++open_;
  }
  auto opened = PostgresConnection::Open(options_);
  const MutexLock lock(mutex_);
  if (!opened.ok()) {
    --open_;
    // A database that admitted this server once is expected to do so again.
    away_ = clock_error_ == absl::InfiniteDuration()
                ? opened.status()
                : DatabaseUnavailable("database: is away", opened.status().ToString());
    away_until_ = std::chrono::steady_clock::now() + kRestOfAttempts;
    free_.NotifyOne();
    return away_;
  }
  away_ = absl::OkStatus();
  NoteClock(**opened);
  return opened;
}

void PostgresDatabase::GiveBack(Connection connection) {
  std::vector<Connection> useless;
  const MutexLock lock(mutex_);
  if (connection->is_lost()) {
    // What broke it has probably broken the idle ones too; each would cost a caller an attempt.
    useless = std::move(idle_);
    idle_.clear();
    open_ -= static_cast<int>(useless.size()) + 1;
    free_.NotifyAll();
    return;
  }
  idle_.push_back(std::move(connection));
  free_.NotifyOne();
}

void PostgresDatabase::NoteClock(const PostgresConnection& connection) {
  mutex_.AssertHeld();
  // A measurement over a slow connection replaces a better one only if they contradict each other:
  // then the database's clock was set, or it is another machine's.
  const absl::Time measured = connection.database_uptime_zero();
  const absl::Duration error = connection.clock_round_trip() / 2;
  if (error > clock_error_ && absl::AbsDuration(measured - uptime_zero_) <= error + clock_error_) {
    return;
  }
  uptime_zero_ = measured;
  clock_error_ = error;
}

std::optional<absl::Time> PostgresDatabase::UptimeZero() const {
  const MutexLock lock(mutex_);
  return uptime_zero_;
}

absl::Status PostgresDatabase::Run(PostgresConnection::Transaction transaction, const Work& work) {
  Backoff backoff(kBetweenTries, RandomBits);
  absl::Status status;
  for (int attempt = 1; attempt <= kTries; ++attempt) {
    if (attempt > 1) absl::SleepFor(backoff.Next());
    ASSIGN_OR_RETURN(Connection connection, Take());
    connection->Begin(transaction);
    status = Guarded(work, *connection);
    if (!status.ok() || transaction == PostgresConnection::Transaction::kRead) {
      connection->RollBack();
    } else {
      status = connection->Commit();
    }
    const PostgresError* const error = connection->error();
    const bool again = !status.ok() && error != nullptr && !connection->in_doubt() &&
                       (connection->is_lost() || error->is_passing());
    GiveBack(std::move(connection));
    if (!again) return status;
  }
  return status;
}

absl::Status PostgresDatabase::Write(const Work& change) {
  return Run(PostgresConnection::Transaction::kChange, change);
}

absl::Status PostgresDatabase::Read(const Work& read) {
  return Run(PostgresConnection::Transaction::kRead, read);
}

absl::Status PostgresDatabase::Health() const {
  const MutexLock lock(mutex_);
  return broken_;
}

absl::Status PostgresDatabase::Check() {
  RETURN_IF_ERROR(Health());
  ASSIGN_OR_RETURN(Connection connection, Take());
  absl::Status fits = CheckPostgresSchema(*connection, name_);
  GiveBack(std::move(connection));
  if (Reason(fits) == "DATABASE_TOO_NEW") {
    const MutexLock lock(mutex_);
    broken_ = fits;
  }
  return fits;
}

}  // namespace vico::server
