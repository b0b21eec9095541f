#include "server/net/unparsable_requests.h"

#include "common/rpc/status_grpc.h"
#include "common/status.h"

namespace vico::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

absl::Status UnparsableRequest() {
  return Error(absl::StatusCode::kInvalidArgument,
               "the request is no message of this method: it is cut short or damaged, or one of "
               "its strings is not UTF-8",
               "INVALID_MESSAGE");
}

/// Sees one call.
class Refusal final : public Interceptor {
 public:
  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE) &&
        methods->GetRecvMessage() == nullptr) {
      unparsable_ = true;
    }
    if (unparsable_ &&
        methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      methods->ModifySendStatus(ToGrpc(UnparsableRequest()));
    }
    methods->Proceed();
  }

 private:
  bool unparsable_ = false;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Interceptor* CreateServerInterceptor(ServerRpcInfo* call) override {
    const bool one_request = call->type() == ServerRpcInfo::Type::UNARY ||
                             call->type() == ServerRpcInfo::Type::SERVER_STREAMING;
    return one_request ? new Refusal : nullptr;  // gRPC deletes it
  }
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RefuseUnparsableRequests() {
  return std::make_unique<Factory>();
}

}  // namespace vico::server
