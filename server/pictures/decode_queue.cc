#include "server/pictures/decode_queue.h"

#include <algorithm>
#include <utility>

#include "common/status.h"

namespace vico::server {

/// The tenant, with the time that has returned to its budget.
DecodeQueue::Tenant& DecodeQueue::Count(const std::string& name) {
  const Time now = std::chrono::steady_clock::now();
  const auto [found, added] = tenants_.try_emplace(name);
  Tenant& tenant = found->second;
  if (added) {
    tenant.left = limits_.budget;
  } else {
    const absl::Duration returned = limits_.share * absl::FromChrono(now - tenant.counted);
    tenant.left = std::min(limits_.budget, tenant.left + returned);
  }
  tenant.counted = now;
  return tenant;
}

/// Whether the ticket is the first of the first tenant that may have another place.
bool DecodeQueue::MayEnter(const std::string& name, uint64_t ticket) const {
  if (inside_ >= limits_.places) return false;
  const int most = std::max(1, limits_.places - 1);
  for (const std::string& waiting : turns_) {
    const Tenant& tenant = tenants_.at(waiting);
    if (tenant.inside < most) return waiting == name && tenant.waiting.front() == ticket;
  }
  return false;
}

/// Removes a ticket. A tenant that waits for more goes to the end of the turns.
void DecodeQueue::Dequeue(const std::string& name, uint64_t ticket) {
  Tenant& tenant = tenants_.at(name);
  const bool first = tenant.waiting.front() == ticket;
  std::erase(tenant.waiting, ticket);
  if (!first && !tenant.waiting.empty()) return;
  std::erase(turns_, name);
  if (!tenant.waiting.empty()) turns_.push_back(name);
}

absl::StatusOr<DecodeQueue::Place> DecodeQueue::Enter(const std::string& name, Time deadline) {
  MutexLock lock(mutex_);
  Tenant& tenant = Count(name);
  if (tenant.left <= absl::ZeroDuration()) {
    const absl::Duration wait = (absl::Seconds(1) - tenant.left) / limits_.share;
    return WithRetryAfter(
        WithQuota(Error(absl::StatusCode::kResourceExhausted,
                        "the tenant's pictures have taken all the time that one tenant may use for "
                        "decoding; try again later",
                        "DECODING_BUDGET"),
                  "tenants/" + name, "time for decoding pictures"),
        wait);
  }
  const uint64_t ticket = ++last_ticket_;
  tenant.waiting.push_back(ticket);
  if (tenant.waiting.size() == 1) turns_.push_back(name);
  const bool ready = changed_.WaitUntil(mutex_, deadline, [&] {
    mutex_.AssertHeld();
    return stopped_ || MayEnter(name, ticket);
  });
  Dequeue(name, ticket);
  // The next one may have a place now, or its turn.
  changed_.NotifyAll();
  if (stopped_) {
    return WithRetryAfter(Error(absl::StatusCode::kUnavailable,
                                "the server is shutting down; call again", "DRAINING"),
                          absl::Seconds(1));
  }
  if (!ready) {
    return Error(absl::StatusCode::kDeadlineExceeded,
                 "the upload reached its time limit while a picture waited to be decoded",
                 "UPLOAD_TOO_SLOW");
  }
  std::string owner = name;  // what needs memory comes before the place is taken
  ++inside_;
  ++tenant.inside;
  return Place(*this, std::move(owner));
}

void DecodeQueue::Leave(const std::string& name, Time since) {
  MutexLock lock(mutex_);
  Tenant& tenant = Count(name);
  tenant.left -= absl::FromChrono(std::chrono::steady_clock::now() - since);
  --tenant.inside;
  --inside_;
  Forget();
  changed_.NotifyAll();
}

/// Drops tenants with a whole budget, so that the map does not grow.
void DecodeQueue::Forget() {
  constexpr size_t kMany = 1000;
  if (tenants_.size() < kMany) return;
  const Time now = std::chrono::steady_clock::now();
  std::erase_if(tenants_, [&](const auto& entry) {
    const Tenant& tenant = entry.second;
    const absl::Duration returned = limits_.share * absl::FromChrono(now - tenant.counted);
    return tenant.inside == 0 && tenant.waiting.empty() && tenant.left + returned >= limits_.budget;
  });
}

void DecodeQueue::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

}  // namespace vico::server
