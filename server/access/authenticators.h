// The authenticators of the two listeners: API keys for clients, certificates for workers and
// operators. A server on loopback can run without either.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/access/api_key_cache.h"
#include "server/rpc/caller.h"

namespace vico::server {

/// The tenant of calls without a key.
inline constexpr std::string_view kDefaultTenant = "default";

enum class KeyPolicy {
  kRequired,  ///< every call needs a key
  kIfAny,     ///< needs a key once an operator has created a tenant
  kNone,      ///< --insecure
};

/// Reads a bearer key from the metadata `authorization`. Where no key is needed, the caller is an
/// administrator of kDefaultTenant. `keys` must outlive it.
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
  kOpen,         ///< every caller is worker and operator
};

/// Reads role and name from the peer's certificate: a URI among its alternative names,
/// vico://worker/NAME or vico://operator/NAME. Ignores the call's metadata.
class CertificateAuthenticator final : public Authenticator {
 public:
  explicit CertificateAuthenticator(WorkerPolicy policy) : policy_(policy) {}

  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context,
                                      std::string_view method) const override;
  absl::Status Recheck(const Caller&) const override { return absl::OkStatus(); }

 private:
  const WorkerPolicy policy_;
};

/// The caller that these URIs name. kUnauthenticated, reason CERTIFICATE_INVALID, unless exactly
/// one of them has the scheme vico:// and it is valid, with a NAME of [A-Za-z0-9._-]{1,63}.
absl::StatusOr<Caller> CallerOfUris(const std::vector<std::string>& uris);

}  // namespace vico::server
