// Who may call what: one table, and what is not in it nobody may call.
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "server/rpc/caller.h"

namespace vico::server {

struct MethodRoles {
  std::string_view service;  ///< in package vico.v1
  std::string_view method;   ///< unique among all services
  Roles roles;               ///< any of them will do
};

const std::vector<MethodRoles>& MethodTable();

/// OK when one of `roles` may call `method`; else kPermissionDenied, reason ROLE_MISSING.
absl::Status CheckRole(Roles roles, std::string_view method);

}  // namespace vico::server
