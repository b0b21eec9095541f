// The one connection that a server keeps to PostgreSQL itself, not through a pooler: it listens for
// the other servers' changes and holds the lock of the leader.
#pragma once

#include <atomic>
#include <memory>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/fronts/postgres_relay.h"
#include "server/jobs/leadership.h"
#include "server/postgres/postgres_connection.h"
#include "server/postgres/postgres_database.h"

namespace vico::server {

/// Any thread, except Stand() and the destructor.
class DirectSession final : public Leadership {
 public:
  /// Starts the thread. The references must outlive it.
  DirectSession(PostgresDatabase& database, PostgresRelay& relay, const Clock& clock,
                const Log& log);

  /// Gives up the lock.
  ~DirectSession() override;

  /// From now on this server may become the leader. The lock passes on as soon as its holder's
  /// connection ends.
  void Stand() { stands_ = true; }

  /// Also false when the database has not answered for some seconds, since it may have given the
  /// lock away.
  bool IsLeader() const override;

 private:
  void Turn();
  absl::Status Connect();
  absl::Status Listen();
  absl::Status TryToLead();

  PostgresDatabase& database_;
  PostgresRelay& relay_;
  const Clock& clock_;
  const Log log_;
  std::atomic<bool> stands_{false};
  std::atomic<bool> leads_{false};
  std::atomic<int64_t> answered_us_{0};  // uptime at the database's last answer
  // Used by the thread.
  std::unique_ptr<PostgresConnection> connection_;
  bool away_ = false;  // and the log says so
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace vico::server
