#include "server/tenants/tenant_store.h"

namespace vico::server {

std::string_view KeyRoleName(v1::KeyRole role) {
  switch (role) {
    case v1::KEY_ROLE_USER:
      return "user";
    case v1::KEY_ROLE_TENANT_ADMIN:
      return "tenant-admin";
    default:
      return "unspecified";
  }
}

std::string_view TenantStateName(v1::TenantState state) {
  switch (state) {
    case v1::TENANT_STATE_ACTIVE:
      return "active";
    case v1::TENANT_STATE_DELETING:
      return "deleting";
    case v1::TENANT_STATE_DELETED:
      return "deleted";
    default:
      return "unspecified";
  }
}

}  // namespace vico::server
