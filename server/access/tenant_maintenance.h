// The thread that, once a second, refreshes the API key cache and erases deleted tenants, whichever
// process deleted them.
#pragma once

#include <functional>
#include <optional>

#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/access/api_key_cache.h"
#include "server/jobs/tenant_eraser.h"

namespace vico::server {

/// Any thread, except Start() and Stop(). The references must outlive it.
class TenantMaintenance {
 public:
  /// Any thread calls `on_revoked` when a key has been revoked.
  TenantMaintenance(ApiKeyCache& keys, TenantEraser& eraser, Log log,
                    std::function<void()> on_revoked);

  void Start();
  void Stop();

  /// Refreshes the cache at once, after a change of the keys.
  void Refresh();

 private:
  void Turn();

  ApiKeyCache& keys_;
  TenantEraser& eraser_;
  const Log log_;
  const std::function<void()> on_revoked_;
  std::optional<PeriodicThread> thread_;
};

}  // namespace vico::server
