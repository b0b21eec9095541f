// Answers requests that gRPC could not parse. By itself gRPC answers UNIMPLEMENTED without a text.
#pragma once

#include <memory>

#include <grpcpp/support/server_interceptor.h>

namespace vico::server {

/// For calls with one request: kInvalidArgument, reason INVALID_MESSAGE. Calls that receive a
/// stream parse their messages themselves: server/rpc/client_stream.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RefuseUnparsableRequests();

}  // namespace vico::server
