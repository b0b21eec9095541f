#include "server/rpc/answer.h"

#include <chrono>
#include <utility>

namespace vico {

grpc::ServerUnaryReactor* Answer(Calls& calls, grpc::CallbackServerContext& context,
                                 std::string_view method, std::function<absl::Status()> act) {
  const auto started = std::chrono::steady_clock::now();
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  if (const absl::Status admitted = calls.Admit(); !admitted.ok()) {
    reactor->Finish(calls.Answered(method, admitted, started));
    return reactor;
  }
  calls.pool().Post([&calls, &context, reactor, method, started, act = std::move(act)] {
    const absl::Status status =
        context.IsCancelled() ? absl::CancelledError("the caller went away") : RunGuarded(act);
    reactor->Finish(calls.Answered(method, status, started));
  });
  return reactor;
}

}  // namespace vico
