// Tenants, workers and the queue, for operators. On the workers' listener.
#pragma once

#include <functional>
#include <utility>

#include "common/clock.h"
#include "server/sql/database.h"
#include "server/rpc/calls.h"
#include "server/store/tenant_eraser.h"
#include "server/store/tenant_store.h"
#include "server/jobs/worker_book.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::server {

/// What operators look at.
struct AdminSources {
  WorkerBook& workers;
  Database& database;
  const Clock& clock;
};

class AdminService final : public v1::AdminService::CallbackService {
 public:
  /// `on_deleted` is called from any thread when a tenant's keys have been revoked. The references
  /// must outlive the service.
  AdminService(Calls& calls, TenantStore& tenants, TenantEraser& eraser,
               const AdminSources& sources, std::function<void()> on_deleted)
      : calls_(calls),
        tenants_(tenants),
        eraser_(eraser),
        sources_(sources),
        on_deleted_(std::move(on_deleted)) {}

  grpc::ServerUnaryReactor* CreateTenant(grpc::CallbackServerContext* context,
                                         const v1::CreateTenantRequest* request,
                                         v1::Tenant* tenant) override;
  grpc::ServerUnaryReactor* ListTenants(grpc::CallbackServerContext* context,
                                        const v1::ListTenantsRequest* request,
                                        v1::ListTenantsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteTenant(grpc::CallbackServerContext* context,
                                         const v1::DeleteTenantRequest* request,
                                         v1::Tenant* tenant) override;
  grpc::ServerUnaryReactor* ListWorkers(grpc::CallbackServerContext* context,
                                        const v1::ListWorkersRequest* request,
                                        v1::ListWorkersResponse* response) override;
  grpc::ServerUnaryReactor* GetQueue(grpc::CallbackServerContext* context,
                                     const v1::GetQueueRequest* request, v1::Queue* queue) override;
  grpc::ServerUnaryReactor* DrainWorker(grpc::CallbackServerContext* context,
                                        const v1::DrainWorkerRequest* request,
                                        v1::Worker* worker) override;

 private:
  Calls& calls_;
  TenantStore& tenants_;
  TenantEraser& eraser_;
  const AdminSources sources_;
  const std::function<void()> on_deleted_;
};

}  // namespace vico::server
