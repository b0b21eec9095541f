// The quota of a tenant's adapters.
#pragma once

#include <string_view>

#include <absl/status/status.h>

#include "server/sql/sql_session.h"
#include "server/tenants/tenant_quota.h"

namespace vico::server {

/// OK when one more adapter fits, counting those that queued and running trainings will make, so
/// that the result of an accepted training always fits. kResourceExhausted, reason QUOTA_EXCEEDED,
/// otherwise.
absl::Status CheckAdapterQuota(SqlSession& db, const TenantQuota& quota, std::string_view tenant);

}  // namespace vico::server
