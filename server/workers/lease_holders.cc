#include "server/workers/lease_holders.h"

namespace vico::server {

bool LeaseHolders::Add(const Grant& grant) {
  const MutexLock lock(mutex_);
  const bool added = holders_
                         .try_emplace(grant.lease_id,
                                      LeaseHolder{grant.worker, grant.job.name(), grant.job.kind()})
                         .second;
  if (!added) return false;
  added_.push_back(grant.lease_id);
  if (added_.size() > kMost) {
    holders_.erase(added_.front());
    added_.pop_front();
  }
  return true;
}

std::optional<LeaseHolder> LeaseHolders::Find(std::string_view lease_id) const {
  const MutexLock lock(mutex_);
  const auto found = holders_.find(lease_id);
  if (found == holders_.end()) return std::nullopt;
  return found->second;
}

bool LeaseHolders::Remove(std::string_view lease_id) {
  const MutexLock lock(mutex_);
  const auto found = holders_.find(lease_id);
  if (found == holders_.end()) return false;
  holders_.erase(found);
  return true;
}

}  // namespace vico::server
