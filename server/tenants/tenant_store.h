// Interface of the stored tenants and their API keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/crypto/sensitive.h"
#include "vico/v1/admin.pb.h"

namespace vico::server {

struct ActiveKey {
  std::string id;
  std::string tenant;
  v1::KeyRole role = v1::KEY_ROLE_USER;
  std::string sha256;  ///< of the whole key
};

/// All active keys at one moment.
struct ActiveKeys {
  bool configured = false;  ///< an operator has created a tenant at some time
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

/// Any thread. Other processes may change tenants and keys at the same time (the subcommands of
/// vico-server do).
class TenantStore {
 public:
  virtual ~TenantStore() = default;

  /// kInvalidArgument for a name that is not [a-z0-9][a-z0-9_-]{0,62} or is reserved for the
  /// server, kAlreadyExists for a name that is or was in use.
  virtual absl::StatusOr<v1::Tenant> Create(const std::string& name) = 0;
  virtual absl::StatusOr<v1::Tenant> Get(std::string_view name) = 0;
  virtual absl::StatusOr<TenantPage> List(int page_size, std::string_view page_token) = 0;

  /// From now on nothing is added to the tenant, and its keys are revoked. OK for a tenant whose
  /// deletion has begun or ended; kNotFound for an unknown one.
  virtual absl::Status BeginDelete(std::string_view name) = 0;
  /// Marks the tenant as deleted. The caller has removed all its rows and blobs.
  virtual absl::Status EndDelete(std::string_view name) = 0;
  /// Tenants whose deletion has begun and not ended.
  virtual absl::StatusOr<std::vector<std::string>> Deleting() = 0;

  /// kNotFound for an unknown tenant; kFailedPrecondition, reason TOO_MANY_KEYS, when the role has
  /// two active keys, reason TENANT_DELETED when the tenant's deletion has begun.
  virtual absl::StatusOr<CreatedKey> CreateKey(std::string_view tenant, v1::KeyRole role) = 0;
  /// Newest first, at most 100.
  virtual absl::StatusOr<std::vector<v1::ApiKey>> ListKeys(std::string_view tenant) = 0;
  /// A repeat returns the same answer; kNotFound for another tenant's key.
  virtual absl::StatusOr<v1::ApiKey> RevokeKey(std::string_view tenant, std::string_view id) = 0;

  virtual absl::StatusOr<ActiveKeys> Active() = 0;

  /// Another number after each change of what Active() returns, whichever process makes it.
  virtual absl::StatusOr<int64_t> KeyVersion() = 0;
};

/// "user" and "tenant-admin"; "unspecified" for anything else.
std::string_view KeyRoleName(v1::KeyRole role);

/// "active", "deleting", "deleted"; "unspecified" for anything else.
std::string_view TenantStateName(v1::TenantState state);

}  // namespace vico::server
