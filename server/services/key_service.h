// KeyService: a tenant's API keys, for its administrators.
#pragma once

#include <functional>
#include <utility>

#include "server/rpc/calls.h"
#include "server/tenants/tenant_store.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::server {

class KeyService final : public v1::KeyService::CallbackService {
 public:
  /// Any thread calls `on_changed` after a key was created or revoked. The references must outlive
  /// the service.
  KeyService(Calls& calls, TenantStore& tenants, std::function<void()> on_changed)
      : calls_(calls), tenants_(tenants), on_changed_(std::move(on_changed)) {}

  grpc::ServerUnaryReactor* CreateKey(grpc::CallbackServerContext* context,
                                      const v1::CreateKeyRequest* request,
                                      v1::CreateKeyResponse* response) override;
  grpc::ServerUnaryReactor* ListKeys(grpc::CallbackServerContext* context,
                                     const v1::ListKeysRequest* request,
                                     v1::ListKeysResponse* response) override;
  grpc::ServerUnaryReactor* RevokeKey(grpc::CallbackServerContext* context,
                                      const v1::RevokeKeyRequest* request,
                                      v1::ApiKey* key) override;

 private:
  Calls& calls_;
  TenantStore& tenants_;
  const std::function<void()> on_changed_;
};

}  // namespace vico::server
