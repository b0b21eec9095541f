#include "server/tenants/admission.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr std::string_view kServer = "server";
constexpr absl::Duration kDiskRetry = absl::Seconds(60);
constexpr absl::Duration kWatchRetry = absl::Seconds(5);

absl::Status Refuse(std::string_view subject, std::string_view message, std::string_view reason,
                    absl::Duration retry) {
  return WithQuota(
      WithRetryAfter(Error(absl::StatusCode::kResourceExhausted, message, reason), retry), subject,
      message);
}

std::string Subject(std::string_view tenant) { return fmt::format("tenants/{}", tenant); }

}  // namespace

absl::StatusOr<DiskSpace> DiskSpaceOf(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) {
    return absl::UnavailableError(fmt::format("disk: {}", std::strerror(errno)));
  }
  const auto block = static_cast<uint64_t>(info.f_frsize);
  return DiskSpace{.free_bytes = info.f_bavail * block, .total_bytes = info.f_blocks * block};
}

absl::Status SubmitRateExceeded(std::string_view tenant, double per_second, int burst,
                                absl::Duration retry) {
  return Refuse(Subject(tenant),
                fmt::format("at most {} new jobs a second, {} at once", per_second, burst),
                "SUBMIT_RATE", retry);
}

absl::Status Admission::Upload() const {
  ASSIGN_OR_RETURN(const DiskSpace disk, probe_disk_());
  const double share = limits_.free_share * static_cast<double>(disk.total_bytes);
  if (disk.free_bytes >= limits_.free_bytes && static_cast<double>(disk.free_bytes) >= share) {
    return absl::OkStatus();
  }
  return Refuse(kServer, "the server's disk is nearly full; new jobs and uploads are refused",
                "DISK_NEARLY_FULL", kDiskRetry);
}

absl::Status Admission::Submit(std::string_view tenant) {
  RETURN_IF_ERROR(Upload());
  MutexLock lock(mutex_);
  const absl::Duration now = clock_.Uptime();
  const double burst = limits_.submit_burst;
  const auto tokens_of = [&](const Bucket& bucket) {
    return std::min(burst, bucket.tokens + absl::ToDoubleSeconds(now - bucket.filled) *
                                               limits_.submits_per_second);
  };
  auto found = buckets_.find(tenant);
  if (found == buckets_.end()) {
    // A full bucket equals a new one.
    std::erase_if(buckets_, [&](const auto& entry) { return tokens_of(entry.second) >= burst; });
    found = buckets_.emplace(std::string(tenant), Bucket{burst, now}).first;
  }
  Bucket& bucket = found->second;
  bucket = {tokens_of(bucket), now};
  if (bucket.tokens < 1) {
    return SubmitRateExceeded(tenant, limits_.submits_per_second, limits_.submit_burst,
                              absl::Seconds((1 - bucket.tokens) / limits_.submits_per_second));
  }
  bucket.tokens -= 1;
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Admission::Watch>> Admission::OpenWatch(std::string_view tenant) {
  MutexLock lock(mutex_);
  const auto own = watches_.find(tenant);
  if (own != watches_.end() && own->second >= limits_.watches_per_tenant) {
    return Refuse(Subject(tenant),
                  fmt::format("the tenant has reached its limit of {} open watches", own->second),
                  "TOO_MANY_WATCHES", kWatchRetry);
  }
  if (all_watches_ >= limits_.watches_total) {
    return Refuse(kServer, "the server has reached its limit of open watches", "TOO_MANY_WATCHES",
                  kWatchRetry);
  }
  ++watches_[std::string(tenant)];
  ++all_watches_;
  return std::make_shared<Watch>(*this, std::string(tenant));
}

void Admission::EndWatch(const std::string& tenant) {
  MutexLock lock(mutex_);
  const auto found = watches_.find(tenant);
  if (--found->second == 0) watches_.erase(found);
  --all_watches_;
}

}  // namespace vico::server
