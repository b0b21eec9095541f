#include "server/rpc/answer.h"

#include <utility>

namespace vico::server {

namespace {

class Unary final : public grpc::ServerUnaryReactor {
 public:
  explicit Unary(Calls& calls) : calls_(calls) {}

  /// From now on the call counts until it is over.
  void LetIn() { let_in_ = true; }

  void OnDone() override {
    Calls& calls = calls_;
    const bool let_in = let_in_;
    delete this;
    if (let_in) calls.Gone();
  }

 private:
  Calls& calls_;
  bool let_in_ = false;
};

}  // namespace

grpc::ServerUnaryReactor* Answer(Calls& calls, grpc::CallbackServerContext& context,
                                 std::string_view method,
                                 std::function<absl::Status(const Caller&)> act) {
  const std::shared_ptr<CallNotes> notes = NoteCall(context, method);
  auto* const reactor = new Unary(calls);  // until OnDone
  absl::StatusOr<Caller> caller = calls.Admit(context, method);
  if (!caller.ok()) {
    reactor->Finish(calls.Answered(*notes, caller.status()));
    return reactor;
  }
  reactor->LetIn();
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
