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
  const absl::Duration now = clock_.Uptime();  // before the read, so that the age is never too low
  // The version first: a change between the two reads is read again next time.
  ASSIGN_OR_RETURN(const int64_t version, tenants_.KeyVersion());
  {
    MutexLock lock(mutex_);
    if (version == version_) {
      read_at_ = now;
      return false;
    }
  }
  ASSIGN_OR_RETURN(ActiveKeys active, tenants_.Active());
  std::map<std::string, ActiveKey, std::less<>> keys;
  for (ActiveKey& key : active.keys) {
    std::string id = key.id;
    keys.emplace(std::move(id), std::move(key));
  }
  MutexLock lock(mutex_);
  const bool removed = std::any_of(keys_.begin(), keys_.end(),
                                   [&](const auto& entry) { return !keys.contains(entry.first); });
  const bool now_required = active.configured && !configured_;
  keys_ = std::move(keys);
  configured_ = active.configured;
  version_ = version;
  read_at_ = now;
  return removed || now_required;
}

absl::Status ApiKeyCache::CheckAge() const {
  if (clock_.Uptime() - read_at_ <= kMaxKeyAge) return absl::OkStatus();
  return WithRetryAfter(Error(absl::StatusCode::kUnavailable,
                              "API keys cannot be checked at the moment", "KEYS_STALE"),
                        absl::Seconds(1));
}

absl::StatusOr<Caller> ApiKeyCache::Find(std::string_view key) const {
  const auto id = IdOfApiKey(key);
  if (!id) return KeyInvalid();
  ActiveKey known;
  {
    MutexLock lock(mutex_);
    RETURN_IF_ERROR(CheckAge());
    if (const auto found = keys_.find(*id); found != keys_.end()) known = found->second;
  }
  // An unknown id takes as long as a known one.
  const bool good = IsKeyWithDigest(key, known.sha256);
  if (!good) return KeyInvalid();
  const Role role = known.role == v1::KEY_ROLE_TENANT_ADMIN ? Role::kTenantAdmin : Role::kUser;
  return Caller{.roles = {role}, .tenant = std::move(known.tenant), .key_id = std::move(known.id)};
}

absl::Status ApiKeyCache::Check(std::string_view key_id) const {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckAge());
  return keys_.contains(key_id) ? absl::OkStatus() : KeyInvalid();
}

bool ApiKeyCache::configured() const {
  MutexLock lock(mutex_);
  return configured_;
}

}  // namespace vico::server
