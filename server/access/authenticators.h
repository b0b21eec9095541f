// The gates of the two listeners: an API key for clients, a certificate for workers and operators.
// A server that only its own machine can reach may do without either.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/access/api_key_cache.h"
#include "server/rpc/caller.h"

namespace vico::server {

/// The tenant of every call that needs no key.
inline constexpr std::string_view kDefaultTenant = "default";

enum class KeyPolicy {
  kRequired,  ///< off this machine, always
  kIfAny,     ///< from the moment an operator makes the first tenant
  kNone,      ///< --insecure
};

/// Bearer keys in the metadata `authorization`. Without a key, where none is needed, the caller is
/// an administrator of kDefaultTenant. `keys` must outlive it.
class ApiKeyAuthenticator final : public Authenticator {
 public:
  ApiKeyAuthenticator(const ApiKeyCache& keys, KeyPolicy policy) : keys_(keys), policy_(policy) {}

  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context,
                               std::string_view method) const override;
  absl::Status Recheck(const Caller& caller) const override;

 private:
  bool NeedsKey() const;

  const ApiKeyCache& keys_;
  const KeyPolicy policy_;
};

enum class WorkerPolicy {
  kCertificate,  ///< TLS on both sides
  kOpen,         ///< whoever reaches the listener is worker and operator
};

/// The names in the peer's certificate: a URI among its alternative names, vico://worker/NAME or
/// vico://operator/NAME. What the call's metadata say is never looked at.
class CertificateAuthenticator final : public Authenticator {
 public:
  explicit CertificateAuthenticator(WorkerPolicy policy) : policy_(policy) {}

  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context,
                               std::string_view method) const override;
  absl::Status Recheck(const Caller&) const override { return absl::OkStatus(); }

 private:
  const WorkerPolicy policy_;
};

/// The caller whom these URIs name. kUnauthenticated, reason CERTIFICATE_INVALID, unless exactly
/// one of them is Vico's, with a NAME of [A-Za-z0-9._-]{1,63}.
absl::StatusOr<Caller> CallerOfUris(const std::vector<std::string>& uris);

}  // namespace vico::server
