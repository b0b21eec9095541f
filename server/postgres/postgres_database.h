// A PostgreSQL database that several servers share: a pool of connections, changes in READ
// COMMITTED transactions with row and scope locks, reads in REPEATABLE READ ones.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "common/mutex.h"
#include "server/postgres/postgres_connection.h"
#include "server/postgres/postgres_options.h"
#include "server/sql/database.h"

namespace vico::server {

class PostgresDatabase final : public Database {
 public:
  enum class Schema {
    kMigrate,  ///< bring it to this program's version
    kCheck,    ///< refuse an older one
    kAny,      ///< open it as it is
  };

  /// Errors as PostgresConnection::Open, and kFailedPrecondition, reason DATABASE_TOO_NEW or
  /// DATABASE_TOO_OLD, when the schema does not fit this program.
  static absl::StatusOr<std::unique_ptr<PostgresDatabase>> Open(const PostgresOptions& options,
                                                                Schema schema = Schema::kMigrate);

  /// Runs `change` again after a serialization failure or a deadlock, and when the connection was
  /// lost before the commit was sent. kUnavailable, reason DATABASE_UNAVAILABLE, when the database
  /// is away or no longer admits this program, and when the connection was lost during the commit:
  /// the change may then be durable.
  absl::Status Write(const Work& change) override;
  absl::Status Read(const Work& read) override;

  /// OK while the database is away: the process waits for it. kFailedPrecondition, reason
  /// DATABASE_TOO_NEW, when the database was migrated to a schema that does not admit this program.
  absl::Status Health() const override;

  /// Whether the database answers and its schema admits this program.
  absl::Status Check() override;
  absl::Status TruncateLog() override { return absl::OkStatus(); }
  std::optional<absl::Time> UptimeZero() const override;

  /// A connection of its own, which is not part of the pool, as for LISTEN.
  absl::StatusOr<std::unique_ptr<PostgresConnection>> Connect();

  const std::string& name() const { return name_; }

 private:
  using Connection = std::unique_ptr<PostgresConnection>;

  PostgresDatabase(const PostgresOptions& options, std::string name)
      : options_(options), name_(std::move(name)) {}
  absl::StatusOr<Connection> Take();
  void GiveBack(Connection connection);
  absl::Status Run(PostgresConnection::Transaction transaction, const Work& work);
  void NoteClock(const PostgresConnection& connection);

  const PostgresOptions options_;
  const std::string name_;

  mutable Mutex mutex_;
  CondVar free_;
  // Most recently used last.
  std::vector<Connection> idle_ ABSL_GUARDED_BY(mutex_);
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  // The error of the last attempt to connect, which answers all calls for a moment.
  absl::Status away_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point away_until_ ABSL_GUARDED_BY(mutex_);
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  absl::Time uptime_zero_ ABSL_GUARDED_BY(mutex_);
  absl::Duration clock_error_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
};

}  // namespace vico::server
