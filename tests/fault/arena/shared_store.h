// What several servers of a run share: a PostgreSQL database and a bucket, with faults of both.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "server/postgres/postgres_database.h"
#include "tests/fault/history/snapshot.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/seaweed.h"

namespace vico::fault {

/// Any thread.
class SharedStore {
 public:
  SharedStore();
  ~SharedStore();
  SharedStore(const SharedStore&) = delete;
  SharedStore& operator=(const SharedStore&) = delete;

  const std::string& database_url() const { return url_; }
  /// For a server that is to use both.
  std::vector<std::string> flags() const;
  static std::map<std::string, std::string> environment();

  /// Kills PostgreSQL and starts it again after `away`. Returns when it answers again.
  void KillDatabase(std::chrono::milliseconds away);
  /// Restarts PostgreSQL as an operator does.
  void RestartDatabase();
  /// Ends the direct session of each server, and with it the notifications that are under way.
  void EndSessions();

  enum class Outage {
    kAway,  ///< no connection
    kBusy,  ///< every request is answered with 503
  };
  /// Returns when the bucket answers again.
  void TakeBucketAway(Outage outage, std::chrono::milliseconds time);

  absl::StatusOr<std::unique_ptr<server::PostgresDatabase>> OpenDatabase() const;
  absl::StatusOr<Snapshot> Read() const;

 private:
  void DoOnKeeper(const std::function<void()>& task);
  void Keep();

  Mutex mutex_;
  CondVar changed_;
  const std::function<void()>* task_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // A child process dies with the thread that started it, so this thread starts all of them.
  std::unique_ptr<PostgresCluster> cluster_;
  std::unique_ptr<Seaweed> seaweed_;
  std::string url_;
  std::unique_ptr<FaultProxy> proxy_;  // between the servers and the bucket
  std::thread keeper_;
};

}  // namespace vico::fault
