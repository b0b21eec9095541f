#include "server/services/admin_service.h"

#include <vector>

#include "common/status.h"
#include "server/checks/request.h"
#include "server/rpc/answer.h"

namespace vico::server {
namespace {

constexpr absl::Duration kErasing = absl::Seconds(20);  // in one call

}  // namespace

grpc::ServerUnaryReactor* AdminService::CreateTenant(grpc::CallbackServerContext* context,
                                                     const v1::CreateTenantRequest* request,
                                                     v1::Tenant* tenant) {
  return Answer(calls_, *context, "CreateTenant", {*request, *tenant},
                [this, request, tenant](const Caller&) -> absl::Status {
                  ASSIGN_OR_RETURN(*tenant, stores_.tenants.Create(request->name()));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::ListTenants(grpc::CallbackServerContext* context,
                                                    const v1::ListTenantsRequest* request,
                                                    v1::ListTenantsResponse* response) {
  return Answer(calls_, *context, "ListTenants", {*request, *response},
                [this, request, response](const Caller&) -> absl::Status {
                  ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(TenantPage page,
                                   stores_.tenants.List(page_size, request->page_token()));
                  response->mutable_tenants()->Assign(page.tenants.begin(), page.tenants.end());
                  response->set_next_page_token(page.next_page_token);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::DeleteTenant(grpc::CallbackServerContext* context,
                                                     const v1::DeleteTenantRequest* request,
                                                     v1::Tenant* tenant) {
  return Answer(calls_, *context, "DeleteTenant", {*request, *tenant},
                [this, request, tenant](const Caller&) -> absl::Status {
                  RETURN_IF_ERROR(stores_.tenants.BeginDelete(request->name()));
                  on_deleted_();
                  RETURN_IF_ERROR(stores_.eraser.Run(kErasing).status());
                  ASSIGN_OR_RETURN(*tenant, stores_.tenants.Get(request->name()));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::ListWorkers(grpc::CallbackServerContext* context,
                                                    const v1::ListWorkersRequest* request,
                                                    v1::ListWorkersResponse* response) {
  return Answer(calls_, *context, "ListWorkers", {*request, *response},
                [this, response](const Caller&) -> absl::Status {
                  ASSIGN_OR_RETURN(std::vector<v1::Worker> all, stores_.workers.List());
                  for (v1::Worker& worker : all) {
                    *response->add_workers() = std::move(worker);
                  }
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::GetQueue(grpc::CallbackServerContext* context,
                                                 const v1::GetQueueRequest* request,
                                                 v1::Queue* queue) {
  return Answer(
      calls_, *context, "GetQueue", {*request, *queue},
      [this, queue](const Caller&) -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<QueueCounts> all, stores_.jobs.CountQueue());
        for (const QueueCounts& counts : all) {
          v1::Queue::Line& line = *queue->add_lines();
          line.set_tenant(counts.tenant);
          line.set_kind(counts.kind);
          line.set_waiting(counts.queued);
          line.set_running(counts.running);
          if (counts.queued > 0) {
            line.mutable_oldest_wait()->set_seconds(absl::ToInt64Seconds(counts.oldest_wait));
          }
        }
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* AdminService::DrainWorker(grpc::CallbackServerContext* context,
                                                    const v1::DrainWorkerRequest* request,
                                                    v1::Worker* worker) {
  return Answer(calls_, *context, "DrainWorker", {*request, *worker},
                [this, request, worker](const Caller&) -> absl::Status {
                  ASSIGN_OR_RETURN(
                      *worker, stores_.workers.SetDraining(request->name(), !request->resume()));
                  return absl::OkStatus();
                });
}

}  // namespace vico::server
