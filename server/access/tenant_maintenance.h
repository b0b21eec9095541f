// The threads that refresh the API key cache, whichever process changed the keys, and, on one
// server, erase deleted tenants.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/access/api_key_cache.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/leadership.h"
#include "server/tenants/tenant_eraser.h"

namespace vico::server {

/// Any thread, except Start() and Stop(). The references must outlive it.
class TenantMaintenance {
 public:
  /// Any thread calls `on_revoked` when a key has been revoked.
  TenantMaintenance(ApiKeyCache& keys, TenantEraser& eraser, const Leadership& leadership,
                    EventFeed& feed, Log log, std::function<void()> on_revoked);

  void Start();
  void Stop();

  /// After a change of the keys by this server: refreshes the cache at once, and those of the other
  /// servers soon.
  void KeysChanged();

 private:
  void Refresh();
  void Erase();

  ApiKeyCache& keys_;
  TenantEraser& eraser_;
  const Leadership& leadership_;
  EventFeed& feed_;
  const Log log_;
  const std::function<void()> on_revoked_;
  std::atomic<bool> keys_unreadable_ = false;  // since the last refresh
  std::optional<PeriodicThread> refreshing_;
  std::optional<PeriodicThread> erasing_;
  EventFeed::Subscription subscription_;  // wakes refreshing_
};

}  // namespace vico::server
