#include "server/services/admin_service.h"

#include "common/status.h"
#include "server/store/queue_view.h"
#include "server/checks/request.h"
#include "server/rpc/answer.h"

namespace vico::server {
namespace {

constexpr absl::Duration kErasing = absl::Seconds(20);  // of one call

}  // namespace

grpc::ServerUnaryReactor* AdminService::CreateTenant(grpc::CallbackServerContext* context,
                                                     const v1::CreateTenantRequest* request,
                                                     v1::Tenant* tenant) {
  return Answer(calls_, *context, "CreateTenant",
                [this, request, tenant](const Caller&) -> absl::Status {
                  ASSIGN_OR_RETURN(*tenant, tenants_.Create(request->name()));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::ListTenants(grpc::CallbackServerContext* context,
                                                    const v1::ListTenantsRequest* request,
                                                    v1::ListTenantsResponse* response) {
  return Answer(
      calls_, *context, "ListTenants", [this, request, response](const Caller&) -> absl::Status {
        ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request->page_size()));
        ASSIGN_OR_RETURN(TenantPage page, tenants_.List(page_size, request->page_token()));
        response->mutable_tenants()->Assign(page.tenants.begin(), page.tenants.end());
        response->set_next_page_token(page.next_page_token);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* AdminService::DeleteTenant(grpc::CallbackServerContext* context,
                                                     const v1::DeleteTenantRequest* request,
                                                     v1::Tenant* tenant) {
  return Answer(calls_, *context, "DeleteTenant",
                [this, request, tenant](const Caller&) -> absl::Status {
                  RETURN_IF_ERROR(tenants_.BeginDelete(request->name()));
                  on_deleted_();
                  RETURN_IF_ERROR(eraser_.Run(kErasing).status());
                  ASSIGN_OR_RETURN(*tenant, tenants_.Get(request->name()));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::ListWorkers(grpc::CallbackServerContext* context,
                                                    const v1::ListWorkersRequest*,
                                                    v1::ListWorkersResponse* response) {
  return Answer(calls_, *context, "ListWorkers", [this, response](const Caller&) -> absl::Status {
    for (v1::Worker& worker : sources_.workers.List()) {
      *response->add_workers() = std::move(worker);
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::GetQueue(grpc::CallbackServerContext* context,
                                                 const v1::GetQueueRequest*, v1::Queue* queue) {
  return Answer(calls_, *context, "GetQueue", [this, queue](const Caller&) -> absl::Status {
    ASSIGN_OR_RETURN(*queue, ViewQueue(sources_.database, sources_.clock));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::DrainWorker(grpc::CallbackServerContext* context,
                                                    const v1::DrainWorkerRequest* request,
                                                    v1::Worker* worker) {
  return Answer(
      calls_, *context, "DrainWorker", [this, request, worker](const Caller&) -> absl::Status {
        ASSIGN_OR_RETURN(*worker, sources_.workers.Drain(request->name(), !request->resume()));
        return absl::OkStatus();
      });
}

}  // namespace vico::server
