#include "server/fronts/postgres_relay.h"

#include <utility>

#include "common/ids.h"
#include "common/status.h"

namespace vico::server {
namespace {

// In place of keys: more has changed than notifications can say.
constexpr std::string_view kEverything = "*";
// Of one pause; the other servers then read everything they watch.
constexpr size_t kMostPending = 1'000;

}  // namespace

// A payload is the sender, then keys, each after a line break.

PostgresRelay::PostgresRelay(Database& database, EventFeed& feed)
    : database_(database), feed_(feed), self_(NewId()), thread_([this] { Run(); }) {
  feed_.SetRelay(this);
}

PostgresRelay::~PostgresRelay() {
  feed_.SetRelay(nullptr);
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void PostgresRelay::Publish(std::string_view key) {
  {
    const MutexLock lock(mutex_);
    if (pending_.size() > kMostPending) {
      pending_.clear();
      pending_.emplace(kEverything);
    } else if (!pending_.contains(std::string(kEverything))) {
      pending_.emplace(key);
    }
  }
  changed_.NotifyAll();
}

void PostgresRelay::Receive(std::string_view payload) {
  const size_t end = payload.find('\n');
  if (end == std::string_view::npos || payload.substr(0, end) == self_) return;
  for (payload.remove_prefix(end + 1); !payload.empty();) {
    const std::string_view key = payload.substr(0, payload.find('\n'));
    if (key == kEverything) {
      feed_.ReceivedUnknown();
    } else {
      feed_.Received(std::string(key));
    }
    payload.remove_prefix(std::min(payload.size(), key.size() + 1));
  }
}

/// Takes as many keys as fit into one notification.
std::string PostgresRelay::NextPayload() {
  std::string payload = self_;
  while (!pending_.empty() && payload.size() + 1 + pending_.begin()->size() <= kMostBytes) {
    payload.append("\n").append(*pending_.begin());
    pending_.erase(pending_.begin());
  }
  return payload;
}

void PostgresRelay::Run() {
  for (;;) {
    std::string payload;
    {
      const MutexLock lock(mutex_);
      changed_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return stopping_ || !pending_.empty();
      });
      if (pending_.empty()) return;
      payload = NextPayload();
    }
    // A lost notification costs a watcher a few seconds, so its commit waits for no disk.
    database_
        .Write([&](SqlSession& db) {
          return db.Query(
              "SELECT pg_notify(?, ?) FROM set_config('synchronous_commit', 'off', true)",
              {kRelayChannel, payload}, [](const SqlRow&) { return absl::OkStatus(); });
        })
        .IgnoreError();
    const MutexLock lock(mutex_);
    changed_.WaitFor(mutex_, kPause, [this] {
      mutex_.AssertHeld();
      return stopping_;
    });
    if (stopping_) return;
  }
}

}  // namespace vico::server
