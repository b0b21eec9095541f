// A unary call: parse, act, answer. `act` runs on the pool and may block on disk.
#pragma once

#include <functional>
#include <string_view>

#include <absl/status/status.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "server/rpc/calls.h"

namespace vico::server {

/// Asks who calls, times, logs and counts the call and answers with `act`'s status. `method` is a
/// literal.
grpc::ServerUnaryReactor* Answer(Calls& calls, grpc::CallbackServerContext& context,
                                 std::string_view method,
                                 std::function<absl::Status(const Caller&)> act);

}  // namespace vico::server
