// Unary calls.
#pragma once

#include <functional>
#include <string_view>

#include <absl/status/status.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "server/rpc/calls.h"

namespace vico::server {

/// The two messages of a call, whose bytes count for its caller until gRPC has sent the answer.
struct Messages {
  const google::protobuf::Message& request;
  google::protobuf::Message& response;
};

/// Authenticates the caller, runs `act` on the pool, where it may block on disk, and answers with
/// its status. `method` is a literal.
grpc::ServerUnaryReactor* Answer(Calls& calls, grpc::CallbackServerContext& context,
                                 std::string_view method, const Messages& messages,
                                 std::function<absl::Status(const Caller&)> act);

}  // namespace vico::server
