#include "common/shares.h"

#include <algorithm>

namespace vico {

Shares::Taken Shares::Take(std::string_view owner, uint64_t amount) {
  MutexLock lock(mutex_);
  if (amount > limit_ || taken_ > limit_ - amount) return Taken::kNoneLeft;
  const auto found = owners_.find(owner);
  const uint64_t own = found == owners_.end() ? 0 : found->second;
  const uint64_t left_by_others = limit_ - (taken_ - own);
  const uint64_t share = std::min(most_per_owner_, left_by_others / 2 + left_by_others % 2);
  if (amount > share || own > share - amount) return Taken::kOwnerHasItsShare;
  if (amount == 0) return Taken::kYes;
  if (found == owners_.end()) {
    owners_.emplace(owner, amount);
  } else {
    found->second += amount;
  }
  taken_ += amount;
  return Taken::kYes;
}

void Shares::Return(std::string_view owner, uint64_t amount) {
  if (amount == 0) return;
  MutexLock lock(mutex_);
  const auto found = owners_.find(owner);
  taken_ -= amount;
  found->second -= amount;
  if (found->second == 0) owners_.erase(found);
}

uint64_t Shares::taken() const {
  MutexLock lock(mutex_);
  return taken_;
}

uint64_t Shares::taken(std::string_view owner) const {
  MutexLock lock(mutex_);
  const auto found = owners_.find(owner);
  return found == owners_.end() ? 0 : found->second;
}

}  // namespace vico
