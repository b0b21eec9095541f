// The roles that each method requires. A method without an entry is denied to everyone.
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "server/rpc/caller.h"

namespace vico::server {

struct MethodRoles {
  std::string_view service;  ///< in package vico.v1
  std::string_view method;   ///< unique among all services
  Roles roles;               ///< the caller needs one of them
};

const std::vector<MethodRoles>& MethodTable();

/// OK when one of `roles` may call `method`; else kPermissionDenied, reason ROLE_MISSING.
absl::Status CheckRole(Roles roles, std::string_view method);

}  // namespace vico::server
