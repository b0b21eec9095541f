// The caller of a call, and the interface that authenticates it before the call does anything.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>

#include "server/rpc/call_notes.h"

namespace vico::server {

enum class Role : unsigned {
  kUser = 1,         ///< a tenant's jobs, concepts and adapters
  kTenantAdmin = 2,  ///< also its keys
  kWorker = 4,       ///< the jobs that it holds
  kOperator = 8,     ///< workers, the queue and tenants, but no tenant's data
};

/// A set of roles.
class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ |= static_cast<unsigned>(role);
  }
  constexpr bool Meets(Roles other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool operator==(const Roles&) const = default;

 private:
  unsigned bits_ = 0;
};

struct Caller {
  Roles roles;
  std::string tenant{};  ///< owner of the data; empty for workers and operators
  std::string name{};    ///< of a worker or operator, from its certificate; may be empty
  std::string key_id{};  ///< of the API key; may be empty
  std::shared_ptr<CallNotes> call = std::make_shared<CallNotes>();  ///< never null
};

/// Any thread.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  /// The caller, if it may call `method`. kUnauthenticated, reason KEY_INVALID or
  /// CERTIFICATE_INVALID, for an unknown caller; kPermissionDenied, reason ROLE_MISSING, for a
  /// method that none of the caller's roles allows.
  virtual absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context,
                                              std::string_view method) const = 0;

  /// OK while an authenticated caller may continue. Each turn of a long call checks it.
  virtual absl::Status Recheck(const Caller& caller) const = 0;
};

}  // namespace vico::server
