// Rate limits, watch limits and the free space of the disk, checked before a call uses resources.
// A refused call gets kResourceExhausted with RetryInfo and QuotaFailure. The job store checks the
// limits on queued and running jobs, in its transactions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"

namespace vico::server {

struct DiskSpace {
  uint64_t free_bytes = 0;  ///< for users other than root
  uint64_t total_bytes = 0;
};

/// Of the file system of `path`. kUnavailable.
absl::StatusOr<DiskSpace> DiskSpaceOf(const std::string& path);

struct AdmissionLimits {
  double submits_per_second = 10;  ///< new jobs per tenant
  int submit_burst = 20;           ///< size of the token bucket
  int watches_per_tenant = 50;     ///< open at the same time; Generate counts as one
  int watches_total = 1000;
  double free_share = 0.10;                 ///< of the disk; with less free, calls are refused
  uint64_t free_bytes = uint64_t{5} << 30;  ///< the same in bytes
};

/// kResourceExhausted, reason SUBMIT_RATE, with RetryInfo and QuotaFailure.
absl::Status SubmitRateExceeded(std::string_view tenant, double per_second, int burst,
                                absl::Duration retry);

/// Any thread.
class Admission {
 public:
  using ProbeDisk = std::function<absl::StatusOr<DiskSpace>()>;

  /// `clock` must outlive it. Any thread calls `probe_disk`.
  Admission(const AdmissionLimits& limits, const Clock& clock, ProbeDisk probe_disk)
      : limits_(limits), clock_(clock), probe_disk_(std::move(probe_disk)) {}

  /// For a new job, not for a repeat. Reasons SUBMIT_RATE, DISK_NEARLY_FULL. Counts the jobs of
  /// this server only, and so spares the database those who exceed the rate; the job store counts
  /// them all.
  absl::Status Submit(std::string_view tenant);

  /// For an upload. Reason DISK_NEARLY_FULL.
  absl::Status Upload() const;

  /// An open watch; its destructor ends it.
  class Watch {
   public:
    Watch(Admission& admission, std::string tenant)
        : admission_(admission), tenant_(std::move(tenant)) {}
    ~Watch() { admission_.EndWatch(tenant_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Admission& admission_;
    const std::string tenant_;
  };

  /// Reason TOO_MANY_WATCHES. The admission must outlive the watch.
  absl::StatusOr<std::shared_ptr<Watch>> OpenWatch(std::string_view tenant);

 private:
  struct Bucket {
    double tokens = 0;
    absl::Duration filled;  // uptime at which `tokens` was computed
  };
  void EndWatch(const std::string& tenant);

  const AdmissionLimits limits_;
  const Clock& clock_;
  const ProbeDisk probe_disk_;
  Mutex mutex_;
  // By tenant; full buckets are removed from time to time.
  std::map<std::string, Bucket, std::less<>> buckets_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int, std::less<>> watches_ ABSL_GUARDED_BY(mutex_);  // by tenant
  int all_watches_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace vico::server
