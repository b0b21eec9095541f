#include "client/admin_client.h"

#include <utility>

#include <grpcpp/client_context.h>

#include "common/channel.h"
#include "common/status.h"
#include "common/status_grpc.h"

namespace vico {

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Open(const AdminClientOptions& options) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                   OpenChannel("--server", options.server, options.tls));
  return std::unique_ptr<AdminClient>(new AdminClient(options, v1::AdminService::NewStub(channel)));
}

absl::StatusOr<std::vector<v1::Worker>> AdminClient::ListWorkers() const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + options_.call_deadline);
  v1::ListWorkersResponse response;
  RETURN_IF_ERROR(FromGrpc(stub_->ListWorkers(&context, {}, &response)));
  return std::vector<v1::Worker>(response.workers().begin(), response.workers().end());
}

absl::StatusOr<v1::Queue> AdminClient::GetQueue() const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + options_.call_deadline);
  v1::Queue queue;
  RETURN_IF_ERROR(FromGrpc(stub_->GetQueue(&context, {}, &queue)));
  return queue;
}

absl::StatusOr<v1::Worker> AdminClient::DrainWorker(const std::string& name, bool resume) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + options_.call_deadline);
  v1::DrainWorkerRequest request;
  request.set_name(name);
  request.set_resume(resume);
  v1::Worker worker;
  RETURN_IF_ERROR(FromGrpc(stub_->DrainWorker(&context, request, &worker)));
  return worker;
}

}  // namespace vico
