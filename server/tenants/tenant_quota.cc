#include "server/tenants/tenant_quota.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {

absl::Status QuotaExceeded(std::string_view tenant, const std::string& what) {
  return WithQuota(Error(absl::StatusCode::kResourceExhausted, what, "QUOTA_EXCEEDED"),
                   fmt::format("tenants/{}", tenant), what);
}

}  // namespace vico::server
