// The quota of a tenant's stored bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/status/status.h>

#include "server/sql/sql_session.h"
#include "server/tenants/tenant_quota.h"

namespace vico::server {

/// OK when `more` bytes fit into the tenant's quota. kResourceExhausted, reason QUOTA_EXCEEDED,
/// otherwise. The system's blobs have no quota.
absl::Status CheckByteQuota(SqlSession& db, const TenantQuota& quota, std::string_view tenant,
                            uint64_t more);

}  // namespace vico::server
