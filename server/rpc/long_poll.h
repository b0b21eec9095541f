// A unary call that waits for something to happen without holding a thread.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "server/rpc/calls.h"

namespace vico::server {

/// Looks whether there is an answer, and fills it in: true when there was. May block on disk.
using Look = std::function<absl::StatusOr<bool>()>;

/// Makes a Look. `wake` may be kept, and called from any thread at any time: look again.
using MakeLook =
    std::function<absl::StatusOr<Look>(const Caller& caller, std::function<void()> wake)>;

/// Looks at once, at each wake, and a last time at `deadline`; then answers as it stands. When the
/// server drains it answers at once.
grpc::ServerUnaryReactor* AnswerWhenReady(Calls& calls, grpc::CallbackServerContext& context,
                                          std::string_view method,
                                          std::chrono::steady_clock::time_point deadline,
                                          MakeLook make);

}  // namespace vico::server
