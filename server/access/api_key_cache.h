// Cache of the active API keys, so that a call needs no query.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "server/rpc/caller.h"
#include "server/tenants/tenant_store.h"

namespace vico::server {

/// The cache is not used when it is older than this, since a key may have been revoked since.
inline constexpr absl::Duration kMaxKeyAge = absl::Seconds(5);

/// Any thread. The references must outlive it.
class ApiKeyCache {
 public:
  ApiKeyCache(TenantStore& tenants, const Clock& clock) : tenants_(tenants), clock_(clock) {}

  /// Reads the keys from the store if they have changed. True when a key was removed since the last
  /// time.
  absl::StatusOr<bool> Refresh();

  /// The caller with this key. kUnauthenticated, reason KEY_INVALID, with the same message for a
  /// malformed, unknown or revoked key; kUnavailable, reason KEYS_STALE, when the keys could not be
  /// read for longer than kMaxKeyAge.
  absl::StatusOr<Caller> Find(std::string_view key) const;

  /// As Find(), for a caller that was authenticated with its key before.
  absl::Status Check(std::string_view key_id) const;

  /// Whether an operator has created a tenant at some time; from then on every call needs a key.
  bool configured() const;

 private:
  absl::Status CheckAge() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  TenantStore& tenants_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, ActiveKey, std::less<>> keys_ ABSL_GUARDED_BY(mutex_);  // by id
  bool configured_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t version_ ABSL_GUARDED_BY(mutex_) = -1;  // of keys_
  // The clock's uptime at the last refresh.
  absl::Duration read_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

/// The error for a missing or invalid key.
absl::Status KeyInvalid();

}  // namespace vico::server
