#include "server/blobs/byte_quota.h"

#include <fmt/format.h>

#include "common/status.h"
#include "server/jobs/job.h"

namespace vico::server {

absl::Status CheckByteQuota(SqlSession& db, const TenantQuota& quota, std::string_view tenant,
                            uint64_t more) {
  if (quota.bytes == 0 || tenant == kSystemTenant) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t stored,
                   db.QueryInt("SELECT bytes FROM blob_total WHERE tenant = ?", {tenant}, 0));
  const auto used = static_cast<uint64_t>(stored);
  if (used <= quota.bytes && more <= quota.bytes - used) return absl::OkStatus();
  return QuotaExceeded(tenant, fmt::format("you store {} bytes, and at most {} fit: delete "
                                           "concepts, adapters or finished jobs",
                                           used, quota.bytes));
}

}  // namespace vico::server
