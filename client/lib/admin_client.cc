#include "client/lib/admin_client.h"

#include <utility>

#include <grpcpp/client_context.h>

#include "common/rpc/channel.h"
#include "common/rpc/status_grpc.h"
#include "common/status.h"

namespace vico::client {

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Open(const AdminClientOptions& options) {
  ASSIGN_OR_RETURN(Peer peer, PeerAt("--server", options.server, options.tls));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                   OpenChannel("--server", options.server, options.tls));
  return std::unique_ptr<AdminClient>(
      new AdminClient(options, std::move(peer), v1::AdminService::NewStub(channel)));
}

template <class Request, class Response>
absl::StatusOr<Response> AdminClient::Call(Method<Request, Response> method,
                                           const Request& request) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + options_.call_deadline);
  Response response;
  RETURN_IF_ERROR(
      ExplainCall(FromGrpc((stub_.get()->*method)(&context, request, &response)), peer_));
  return response;
}

absl::StatusOr<std::vector<v1::Worker>> AdminClient::ListWorkers() const {
  ASSIGN_OR_RETURN(const v1::ListWorkersResponse response,
                   Call(&v1::AdminService::StubInterface::ListWorkers, v1::ListWorkersRequest()));
  return std::vector<v1::Worker>(response.workers().begin(), response.workers().end());
}

absl::StatusOr<v1::Queue> AdminClient::GetQueue() const {
  return Call(&v1::AdminService::StubInterface::GetQueue, v1::GetQueueRequest());
}

absl::StatusOr<v1::Worker> AdminClient::DrainWorker(const std::string& name, bool resume) const {
  v1::DrainWorkerRequest request;
  request.set_name(name);
  request.set_resume(resume);
  return Call(&v1::AdminService::StubInterface::DrainWorker, request);
}

}  // namespace vico::client
