// The tenant store in SQL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "server/sql/database.h"
#include "server/tenants/tenant_store.h"

namespace vico::server {

class SqlTenantStore final : public TenantStore {
 public:
  /// The references must outlive the store.
  SqlTenantStore(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  absl::StatusOr<v1::Tenant> Create(const std::string& name) override;
  absl::StatusOr<v1::Tenant> Get(std::string_view name) override;
  absl::StatusOr<TenantPage> List(int page_size, std::string_view page_token) override;

  absl::Status BeginDelete(std::string_view name) override;
  absl::Status EndDelete(std::string_view name) override;
  absl::StatusOr<std::vector<std::string>> Deleting() override;

  absl::StatusOr<CreatedKey> CreateKey(std::string_view tenant, v1::KeyRole role) override;
  absl::StatusOr<std::vector<v1::ApiKey>> ListKeys(std::string_view tenant) override;
  absl::StatusOr<v1::ApiKey> RevokeKey(std::string_view tenant, std::string_view id) override;
  absl::StatusOr<ActiveKeys> Active() override;
  absl::StatusOr<int64_t> KeyVersion() override;

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace vico::server
