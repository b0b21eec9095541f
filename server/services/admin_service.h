// AdminService: tenants, workers and the queue, for operators. It is on the workers' listener.
#pragma once

#include <functional>
#include <utility>

#include "server/jobs/job_store.h"
#include "server/rpc/calls.h"
#include "server/tenants/tenant_eraser.h"
#include "server/tenants/tenant_store.h"
#include "server/workers/worker_registry.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::server {

/// What operators see and change. All of it must outlive the service.
struct AdminStores {
  TenantStore& tenants;
  TenantEraser& eraser;
  JobStore& jobs;
  WorkerRegistry& workers;
};

class AdminService final : public v1::AdminService::CallbackService {
 public:
  /// Any thread calls `on_deleted` after a tenant's keys have been revoked. `calls` must outlive
  /// the service.
  AdminService(Calls& calls, const AdminStores& stores, std::function<void()> on_deleted)
      : calls_(calls), stores_(stores), on_deleted_(std::move(on_deleted)) {}

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
  const AdminStores stores_;
  const std::function<void()> on_deleted_;
};

}  // namespace vico::server
