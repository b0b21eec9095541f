#include "server/rows/adapter_quota.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {

absl::Status CheckAdapterQuota(SqlSession& db, const TenantQuota& quota, std::string_view tenant) {
  if (quota.adapters == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t stored,
                   db.QueryInt("SELECT count(*) FROM adapter WHERE tenant = ?", {tenant}, 0));
  // Each half reads the index of its state.
  ASSIGN_OR_RETURN(
      const int64_t coming,
      db.QueryInt("SELECT (SELECT count(*) FROM job WHERE tenant = ?1 AND kind = 'training' "
                  "AND state = 'queued') + (SELECT count(*) FROM job WHERE tenant = ?1 "
                  "AND kind = 'training' AND state = 'running')",
                  {tenant}, 0));
  if (stored + coming < quota.adapters) return absl::OkStatus();
  return QuotaExceeded(
      tenant, fmt::format("you have {} adapters and {} trainings in progress, and at most {} "
                          "adapters fit: delete adapters",
                          stored, coming, quota.adapters));
}

}  // namespace vico::server
