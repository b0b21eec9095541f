// Who calls, and the gate that every call passes before anything is done for it.
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
  kTenantAdmin = 2,  ///< and its keys
  kWorker = 4,       ///< the jobs it was granted
  kOperator = 8,     ///< tenants, but nothing of what is theirs
};

/// A set of roles; empty at first.
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
  std::string tenant{};  ///< whose data the call is about; empty for workers and operators
  std::string name{};    ///< of a worker or operator, from its certificate; empty without one
  std::string key_id{};  ///< of the API key; empty without one
  std::shared_ptr<CallNotes> call = std::make_shared<CallNotes>();  ///< never null
};

/// Any thread.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  /// Who calls, if that caller may call `method`. kUnauthenticated, reason KEY_INVALID or
  /// CERTIFICATE_INVALID, for somebody unknown; kPermissionDenied, reason ROLE_MISSING, for a
  /// method that is not for the caller's roles, or for nobody's.
  virtual absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context,
                                       std::string_view method) const = 0;

  /// OK while a caller that was let in may go on; asked in each turn of a long call.
  virtual absl::Status Recheck(const Caller& caller) const = 0;
};

}  // namespace vico::server
