// Which worker holds a lease, and for which kind of job: what never changes while the lease lives,
// so that a report costs no query for it. The store decides whether the lease is live.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/mutex.h"
#include "server/jobs/job_store.h"

namespace vico::server {

struct LeaseHolder {
  std::string worker;
  std::string job;
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
};

/// Any thread. Keeps the newest kMost leases.
class LeaseHolders {
 public:
  static constexpr size_t kMost = 20'000;

  /// False, without effect, if the lease is known.
  bool Add(const Grant& grant);
  std::optional<LeaseHolder> Find(std::string_view lease_id) const;
  /// False if the lease is unknown: of several calls one removes it.
  bool Remove(std::string_view lease_id);

 private:
  mutable Mutex mutex_;
  std::map<std::string, LeaseHolder, std::less<>> holders_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> added_ ABSL_GUARDED_BY(mutex_);  // oldest first; some are removed again
};

}  // namespace vico::server
