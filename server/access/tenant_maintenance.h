// Once a second, on a thread of its own: reads the keys again, ends the calls of those that were
// revoked, and erases deleted tenants, whichever process asked for it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "common/log.h"
#include "server/access/api_key_cache.h"
#include "server/store/tenant_eraser.h"

namespace vico::server {

/// The references must outlive it. Stops with its destructor.
class TenantMaintenance {
 public:
  /// `on_revoked` is called when a key that was good is not any more.
  TenantMaintenance(ApiKeyCache& keys, TenantEraser& eraser, Log log, std::function<void()> on_revoked);

  void Start();

  /// Reads the keys now: for who has just changed them.
  void Refresh();

 private:
  void Loop(const std::stop_token& stop);

  ApiKeyCache& keys_;
  TenantEraser& eraser_;
  const Log log_;
  const std::function<void()> on_revoked_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vico::server
