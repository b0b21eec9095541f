// The keys that are good right now, in memory, so that a call costs no query.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "server/rpc/caller.h"
#include "server/store/tenant_store.h"

namespace vico::server {

/// Keys older than this are not trusted: a revoked one may be among them.
inline constexpr absl::Duration kKeysGoodFor = absl::Seconds(5);

/// Any thread. The references must outlive it.
class ApiKeyCache {
 public:
  ApiKeyCache(TenantStore& tenants, const Clock& clock) : tenants_(tenants), clock_(clock) {}

  /// Reads the keys again. True when any of those before is not among them any more.
  absl::StatusOr<bool> Refresh();

  /// Whose key this is. kUnauthenticated, reason KEY_INVALID, for a text that is no key, or one
  /// unknown or revoked, all in the same words; kUnavailable when the keys could not be read for
  /// longer than kKeysGoodFor.
  absl::StatusOr<Caller> Find(std::string_view key) const;

  /// As Find(), for a caller that showed its key before.
  absl::Status Check(std::string_view key_id) const;

  /// An operator has made a tenant at some time: calls without a key are nobody's.
  bool configured() const;

 private:
  absl::Status CheckAge() const;  // under mutex_

  TenantStore& tenants_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  // guarded by mutex_
  std::map<std::string, ActiveKey, std::less<>> keys_;  // by id
  bool configured_ = false;
  absl::Duration read_at_ = -absl::InfiniteDuration();  // by the clock's uptime
};

/// What an unknown key, or none, is answered with.
absl::Status KeyInvalid();

}  // namespace vico::server
