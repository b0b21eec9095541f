#include "server/access/authenticators.h"

#include <algorithm>
#include <utility>

#include <grpcpp/security/auth_context.h>

#include "common/status.h"
#include "server/access/method_roles.h"

namespace vico::server {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kScheme = "vico://";

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

absl::Status CertificateInvalid() {
  return Error(
      absl::StatusCode::kUnauthenticated,
      "certificate: must have one URI vico://worker/NAME or vico://operator/NAME among its "
      "alternative names",
      "CERTIFICATE_INVALID");
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace

bool ApiKeyAuthenticator::NeedsKey() const {
  return policy_ == KeyPolicy::kRequired || (policy_ == KeyPolicy::kIfAny && keys_.configured());
}

absl::StatusOr<Caller> ApiKeyAuthenticator::Authenticate(const grpc::ServerContextBase& context,
                                                         std::string_view method) const {
  Caller caller{.roles = {Role::kUser, Role::kTenantAdmin}, .tenant = std::string(kDefaultTenant)};
  if (NeedsKey()) {
    const auto [first, last] = context.client_metadata().equal_range("authorization");
    if (first == last || std::next(first) != last) return KeyInvalid();
    const std::string_view value = View(first->second);
    if (value.substr(0, kBearer.size()) != kBearer) return KeyInvalid();
    ASSIGN_OR_RETURN(caller, keys_.Find(value.substr(kBearer.size())));
  }
  RETURN_IF_ERROR(CheckRole(caller.roles, method));
  return caller;
}

absl::Status ApiKeyAuthenticator::Recheck(const Caller& caller) const {
  if (!caller.key_id.empty()) return keys_.Check(caller.key_id);
  return NeedsKey() ? KeyInvalid() : absl::OkStatus();
}

absl::StatusOr<Caller> CallerOfUris(const std::vector<std::string>& uris) {
  std::vector<Caller> callers;
  for (const std::string_view uri : uris) {
    if (uri.substr(0, kScheme.size()) != kScheme) continue;
    const std::string_view path = uri.substr(kScheme.size());
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos || !IsName(path.substr(slash + 1))) {
      return CertificateInvalid();
    }
    const std::string_view kind = path.substr(0, slash);
    if (kind != "worker" && kind != "operator") return CertificateInvalid();
    callers.push_back({.roles = {kind == "worker" ? Role::kWorker : Role::kOperator},
                       .name = std::string(path.substr(slash + 1))});
  }
  if (callers.size() != 1) return CertificateInvalid();
  return std::move(callers.front());
}

absl::StatusOr<Caller> CertificateAuthenticator::Authenticate(
    const grpc::ServerContextBase& context, std::string_view method) const {
  Caller caller{.roles = {Role::kWorker, Role::kOperator}};
  if (policy_ == WorkerPolicy::kCertificate) {
    std::vector<std::string> uris;
    for (const grpc::string_ref& uri : context.auth_context()->FindPropertyValues("peer_uri")) {
      uris.emplace_back(uri.data(), uri.size());
    }
    ASSIGN_OR_RETURN(caller, CallerOfUris(uris));
  }
  RETURN_IF_ERROR(CheckRole(caller.roles, method));
  return caller;
}

}  // namespace vico::server
