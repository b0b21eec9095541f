#include "server/rpc/answer.h"

#include <utility>

namespace vico::server {
namespace {

class Unary final : public grpc::ServerUnaryReactor {
 public:
  explicit Unary(Calls& calls) : calls_(calls) {}

  void set_admitted() { admitted_ = true; }

  void OnDone() override {
    Calls& calls = calls_;
    const bool admitted = admitted_;
    delete this;
    if (admitted) calls.Release();
  }

 private:
  Calls& calls_;
  bool admitted_ = false;
};

}  // namespace

grpc::ServerUnaryReactor* Answer(Calls& calls, grpc::CallbackServerContext& context,
                                 std::string_view method,
                                 std::function<absl::Status(const Caller&)> act) {
  const std::shared_ptr<CallNotes> notes = NoteCall(context, method);
  auto* const reactor = new Unary(calls);  // deleted by OnDone
  absl::StatusOr<Caller> caller = calls.Admit(context, method);
  if (!caller.ok()) {
    reactor->Finish(calls.Answered(*notes, caller.status()));
    return reactor;
  }
  reactor->set_admitted();
  caller->call = notes;
  calls.pool().Post(
      [&calls, &context, reactor, notes, caller = *std::move(caller), act = std::move(act)] {
        absl::Status status = calls.CheckOnTime(notes->started);
        if (context.IsCancelled()) status = absl::CancelledError("the caller went away");
        if (status.ok()) status = RunGuarded([&] { return act(caller); });
        reactor->Finish(calls.Answered(*notes, status));
      });
  return reactor;
}

}  // namespace vico::server
