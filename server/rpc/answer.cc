#include "server/rpc/answer.h"

#include <memory>
#include <optional>
#include <utility>

namespace vico::server {
namespace {

/// Makes the message empty and frees what it holds. Clear() keeps it for the next use.
void Free(google::protobuf::Message& message) {
  const std::unique_ptr<google::protobuf::Message> empty(message.New());
  message.GetReflection()->Swap(&message, empty.get());
}

class Unary final : public grpc::ServerUnaryReactor {
 public:
  Unary(Calls& calls, grpc::CallbackServerContext& context, std::shared_ptr<CallNotes> notes,
        google::protobuf::Message& response)
      : calls_(calls), context_(context), notes_(std::move(notes)), response_(response) {}

  void set_admitted(CallCost cost) { cost_ = std::move(cost); }

  /// Finishes the call. It may be destroyed before this returns.
  void Send(absl::Status status) {
    if (cost_ && status.ok()) status = calls_.HoldAnswer(*cost_, response_.ByteSizeLong());
    if (!status.ok()) Free(response_);
    open_ = calls_.answers().Add([this] { context_.TryCancel(); }, Calls::Time::clock::now());
    Finish(calls_.Answered(*notes_, status));
  }

  void OnDone() override {
    calls_.answers().Remove(open_);
    Calls& calls = calls_;
    const std::optional<CallCost> cost = std::move(cost_);
    delete this;
    if (cost) calls.Release(*cost);
  }

 private:
  Calls& calls_;
  grpc::CallbackServerContext& context_;
  const std::shared_ptr<CallNotes> notes_;
  google::protobuf::Message& response_;
  std::optional<CallCost> cost_;  // once the call is admitted
  std::shared_ptr<OpenAnswers::Entry> open_;
};

}  // namespace

grpc::ServerUnaryReactor* Answer(Calls& calls, grpc::CallbackServerContext& context,
                                 std::string_view method, const Messages& messages,
                                 std::function<absl::Status(const Caller&)> act) {
  const std::shared_ptr<CallNotes> notes = NoteCall(context, method);
  auto* const reactor = new Unary(calls, context, notes, messages.response);  // until OnDone
  absl::StatusOr<Caller> caller = calls.Authenticate(context, method);
  if (!caller.ok()) {
    reactor->Send(caller.status());
    return reactor;
  }
  CallCost cost{.owner = OwnerOf(*caller), .request_bytes = messages.request.ByteSizeLong()};
  if (absl::Status admitted = calls.Admit(cost); !admitted.ok()) {
    reactor->Send(admitted);
    return reactor;
  }
  reactor->set_admitted(cost);
  caller->call = notes;
  calls.pool().Post(
      [&calls, &context, reactor, notes, caller = *std::move(caller), act = std::move(act)] {
        absl::Status status = calls.CheckOnTime(notes->started);
        if (context.IsCancelled()) status = absl::CancelledError("the caller went away");
        if (status.ok()) status = RunGuarded([&] { return act(caller); });
        reactor->Send(std::move(status));
      },
      cost.owner);
  return reactor;
}

}  // namespace vico::server
