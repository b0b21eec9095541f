#include "server/access/api_key_cache.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "server/access/api_key.h"

namespace vico::server {

absl::Status KeyInvalid() {
  return Error(absl::StatusCode::kUnauthenticated,
               "authorization: must be \"Bearer\" and a valid API key", "KEY_INVALID");
}

absl::StatusOr<bool> ApiKeyCache::Refresh() {
  const absl::Duration now = clock_.Uptime();  // before reading, so that the age is never too low
  ASSIGN_OR_RETURN(ActiveKeys active, tenants_.Active());
  std::map<std::string, ActiveKey, std::less<>> keys;
  for (ActiveKey& key : active.keys) {
    std::string id = key.id;
    keys.emplace(std::move(id), std::move(key));
  }
  const std::lock_guard lock(mutex_);
  const bool lost = std::any_of(keys_.begin(), keys_.end(),
                                [&](const auto& entry) { return !keys.contains(entry.first); });
  const bool closed = active.configured && !configured_;
  keys_ = std::move(keys);
  configured_ = active.configured;
  read_at_ = now;
  return lost || closed;
}

absl::Status ApiKeyCache::CheckAge() const {
  if (clock_.Uptime() - read_at_ <= kKeysGoodFor) return absl::OkStatus();
  return WithRetryAfter(
      Error(absl::StatusCode::kUnavailable, "keys cannot be checked right now", "KEYS_STALE"),
      absl::Seconds(1));
}

absl::StatusOr<Caller> ApiKeyCache::Find(std::string_view key) const {
  const auto id = IdOfApiKey(key);
  if (!id) return KeyInvalid();
  ActiveKey known;
  {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERROR(CheckAge());
    if (const auto found = keys_.find(*id); found != keys_.end()) known = found->second;
  }
  // An unknown id costs the same hash as a known one.
  const bool good = IsKeyWithDigest(key, known.sha256);
  if (!good) return KeyInvalid();
  const Role role = known.role == v1::KEY_ROLE_TENANT_ADMIN ? Role::kTenantAdmin : Role::kUser;
  return Caller{.roles = {role}, .tenant = std::move(known.tenant), .key_id = std::move(known.id)};
}

absl::Status ApiKeyCache::Check(std::string_view key_id) const {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(CheckAge());
  return keys_.contains(key_id) ? absl::OkStatus() : KeyInvalid();
}

bool ApiKeyCache::configured() const {
  const std::lock_guard lock(mutex_);
  return configured_;
}

}  // namespace vico::server
