// Tenants and their API keys, in the database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/sensitive.h"
#include "server/sql/database.h"
#include "vico/v1/admin.pb.h"

namespace vico::server {

struct ActiveKey {
  std::string id;
  std::string tenant;
  v1::KeyRole role = v1::KEY_ROLE_USER;
  std::string sha256;  ///< of the whole key
};

/// Everything that decides whether a key is good, as it was at one moment.
struct ActiveKeys {
  bool configured = false;  ///< an operator has made a tenant at some time
  std::vector<ActiveKey> keys;
};

struct CreatedKey {
  v1::ApiKey key;
  Sensitive secret;
};

struct TenantPage {
  std::vector<v1::Tenant> tenants;  ///< by name
  std::string next_page_token;      ///< empty on the last page
};

/// Any thread, and any process that has the database open: the server looks once a second for what
/// others have changed. `database` and `clock` must outlive it.
class TenantStore {
 public:
  TenantStore(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  /// kInvalidArgument for a name that is not [a-z0-9][a-z0-9_-]{0,62} or is the system's own,
  /// kAlreadyExists for a name that is or was in use.
  absl::StatusOr<v1::Tenant> Create(const std::string& name);
  absl::StatusOr<v1::Tenant> Get(std::string_view name);
  absl::StatusOr<TenantPage> List(int page_size, std::string_view page_token);

  /// From now on nothing is added to the tenant, and its keys are revoked. OK for one that is being
  /// deleted, or was; kNotFound for one that never was.
  absl::Status BeginDelete(std::string_view name);
  /// Nothing of it is left.
  absl::Status EndDelete(std::string_view name);
  /// Those whose deletion has begun and not ended.
  absl::StatusOr<std::vector<std::string>> Deleting();

  /// kNotFound for an unknown tenant; kFailedPrecondition, reason TOO_MANY_KEYS, when two keys of
  /// the role are active, TENANT_DELETED when the tenant is going.
  absl::StatusOr<CreatedKey> CreateKey(std::string_view tenant, v1::KeyRole role);
  /// Newest first, at most 100.
  absl::StatusOr<std::vector<v1::ApiKey>> ListKeys(std::string_view tenant);
  /// The same answer again for one that was revoked before; kNotFound for another tenant's, too.
  absl::StatusOr<v1::ApiKey> RevokeKey(std::string_view tenant, std::string_view id);

  absl::StatusOr<ActiveKeys> Active();

 private:
  Database& database_;
  const Clock& clock_;
};

/// "user" and "tenant-admin"; "unspecified" for anything else.
std::string_view KeyRoleName(v1::KeyRole role);

/// "active", "deleting", "deleted"; "unspecified" for anything else.
std::string_view TenantStateName(v1::TenantState state);

}  // namespace vico::server
