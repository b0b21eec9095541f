// Who is let in: limits that are checked before a call costs anything. What is refused is
// kResourceExhausted with RetryInfo and QuotaFailure; accepted work is never touched. Queue limits
// and those of running jobs are the job store's own, since they are checked in its transactions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"

namespace vico::server {

struct DiskSpace {
  uint64_t free_bytes = 0;  ///< for us, not for root
  uint64_t total_bytes = 0;
};

/// Of the file system that `path` is on.
absl::StatusOr<DiskSpace> DiskSpaceOf(const std::string& path);

struct AdmissionLimits {
  double submits_per_second = 10;  ///< of new jobs, a tenant
  int submit_burst = 20;           ///< at once, after a rest
  int watches_per_tenant = 50;     ///< open at once; Generate is one, too
  int watches_total = 1000;
  double free_share = 0.10;                 ///< of the disk, below which nothing new is stored
  uint64_t free_bytes = uint64_t{5} << 30;  ///< the same in bytes; whichever is reached first
};

/// Any thread.
class Admission {
 public:
  using ProbeDisk = std::function<absl::StatusOr<DiskSpace>()>;

  /// `clock` must outlive it.
  Admission(const AdmissionLimits& limits, const Clock& clock, ProbeDisk probe_disk)
      : limits_(limits), clock_(clock), look_at_disk_(std::move(probe_disk)) {}

  /// A new job, not a repeat: reasons SUBMIT_RATE, DISK_NEARLY_FULL.
  absl::Status Submit(std::string_view tenant);

  /// Bytes are about to be sent: DISK_NEARLY_FULL.
  absl::Status Upload() const;

  /// A place among the open watches, given back when dropped.
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

  /// Reason TOO_MANY_WATCHES. This must outlive the watch.
  absl::StatusOr<std::shared_ptr<Watch>> OpenWatch(std::string_view tenant);

 private:
  struct Bucket {
    double tokens = 0;
    absl::Duration filled;  // uptime
  };
  void EndWatch(const std::string& tenant);

  const AdmissionLimits limits_;
  const Clock& clock_;
  const ProbeDisk look_at_disk_;
  std::mutex mutex_;
  // guarded by mutex_
  std::map<std::string, Bucket, std::less<>> buckets_;  // of tenants that are not full
  std::map<std::string, int, std::less<>> watches_;
  int all_watches_ = 0;
};

}  // namespace vico::server
