// Carries the changes of this server to the other servers on a PostgreSQL database: NOTIFY after
// the commits, all changes of about ten milliseconds in one. A NOTIFY inside the transactions would
// let them commit one after the other only.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

#include "common/mutex.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/event_relay.h"
#include "server/sql/database.h"

namespace vico::server {

/// The channel of NOTIFY.
inline constexpr std::string_view kRelayChannel = "vico";

/// Any thread.
class PostgresRelay final : public EventRelay {
 public:
  static constexpr size_t kMostBytes = 7'900;  ///< of one notification; PostgreSQL takes 7,999
  static constexpr std::chrono::milliseconds kPause{10};  ///< between two notifications

  /// The references must outlive it.
  PostgresRelay(Database& database, EventFeed& feed);
  ~PostgresRelay() override;

  void Publish(std::string_view key) override;

  /// Gives a notification of the channel to the feed, unless it is this server's own.
  void Receive(std::string_view payload);

  /// The other servers' changes may have been missed.
  void Missed() { feed_.ReceivedUnknown(); }

 private:
  void Run();
  std::string NextPayload() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Database& database_;
  EventFeed& feed_;
  const std::string self_;
  Mutex mutex_;
  CondVar changed_;
  std::unordered_set<std::string> pending_ ABSL_GUARDED_BY(mutex_);  // keys
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the other members
};

}  // namespace vico::server
