#include "server/services/key_service.h"

#include <vector>

#include <fmt/format.h>

#include "common/status.h"
#include "server/checks/request.h"
#include "server/rpc/answer.h"

namespace vico::server {

grpc::ServerUnaryReactor* KeyService::CreateKey(grpc::CallbackServerContext* context,
                                                const v1::CreateKeyRequest* request,
                                                v1::CreateKeyResponse* response) {
  return Answer(calls_, *context, "CreateKey", {*request, *response},
                [this, request, response](const Caller& caller) -> absl::Status {
                  if (!v1::KeyRole_IsValid(request->role())) {
                    return FieldError("role", fmt::format("must be a role of keys or unspecified, "
                                                          "got {}",
                                                          static_cast<int>(request->role())));
                  }
                  const v1::KeyRole role = request->role() == v1::KEY_ROLE_UNSPECIFIED
                                               ? v1::KEY_ROLE_USER
                                               : request->role();
                  ASSIGN_OR_RETURN(CreatedKey created, tenants_.CreateKey(caller.tenant, role));
                  *response->mutable_api_key() = std::move(created.key);
                  response->set_secret(created.secret.Reveal());
                  on_changed_();
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* KeyService::ListKeys(grpc::CallbackServerContext* context,
                                               const v1::ListKeysRequest* request,
                                               v1::ListKeysResponse* response) {
  return Answer(calls_, *context, "ListKeys", {*request, *response},
                [this, response](const Caller& caller) -> absl::Status {
                  ASSIGN_OR_RETURN(const std::vector<v1::ApiKey> keys,
                                   tenants_.ListKeys(caller.tenant));
                  response->mutable_api_keys()->Assign(keys.begin(), keys.end());
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* KeyService::RevokeKey(grpc::CallbackServerContext* context,
                                                const v1::RevokeKeyRequest* request,
                                                v1::ApiKey* key) {
  return Answer(calls_, *context, "RevokeKey", {*request, *key},
                [this, request, key](const Caller& caller) -> absl::Status {
                  ASSIGN_OR_RETURN(*key, tenants_.RevokeKey(caller.tenant, request->id()));
                  on_changed_();
                  return absl::OkStatus();
                });
}

}  // namespace vico::server
