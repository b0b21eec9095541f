// Divides a limited number of places or bytes among their users, so that none shuts out the others.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/mutex.h"

namespace vico {

/// Any thread.
class Shares {
 public:
  enum class Taken { kYes, kOwnerHasItsShare, kNoneLeft };

  /// `limit` is what all owners may hold together; one of them holds `most_per_owner` at most, and
  /// at most half of what the others leave, rounded up.
  explicit Shares(uint64_t limit, uint64_t most_per_owner = UINT64_MAX)
      : limit_(limit), most_per_owner_(most_per_owner) {}

  /// Takes `amount` for `owner`, or nothing.
  Taken Take(std::string_view owner, uint64_t amount = 1);

  /// Returns what the owner has taken.
  void Return(std::string_view owner, uint64_t amount = 1);

  uint64_t taken() const;
  uint64_t taken(std::string_view owner) const;

 private:
  const uint64_t limit_;
  const uint64_t most_per_owner_;
  mutable Mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> owners_ ABSL_GUARDED_BY(mutex_);  // none with 0
  uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace vico
