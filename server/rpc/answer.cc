#include "server/rpc/answer.h"

#include <chrono>
#include <utility>

namespace vico {

grpc::ServerUnaryReactor* Answer(Calls& calls, grpc::CallbackServerContext& context,
                                 std::string_view method,
                                 std::function<absl::Status(const Caller&)> act) {
  const auto started = std::chrono::steady_clock::now();
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  absl::StatusOr<Caller> caller = calls.Admit(context, method);
  if (!caller.ok()) {
    reactor->Finish(calls.Answered(method, caller.status(), started));
    return reactor;
  }
  calls.pool().Post([&calls, &context, reactor, method, started, caller = *std::move(caller),
                     act = std::move(act)] {
    absl::Status status = calls.CheckOnTime(started);
    if (context.IsCancelled()) status = absl::CancelledError("the caller went away");
    if (status.ok()) status = RunGuarded([&] { return act(caller); });
    reactor->Finish(calls.Answered(method, status, started));
  });
  return reactor;
}

}  // namespace vico
