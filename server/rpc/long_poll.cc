#include "server/rpc/long_poll.h"

#include <atomic>
#include <memory>
#include <utility>

#include "common/status.h"

namespace vico::server {
namespace {

class LongPoll final : public grpc::ServerUnaryReactor {
 public:
  LongPoll(Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
           Calls::Time deadline, MakeLook make)
      : calls_(calls),
        context_(context),
        notes_(NoteCall(context, method)),
        deadline_(deadline),
        make_(std::move(make)) {}

  static grpc::ServerUnaryReactor* Open(std::shared_ptr<LongPoll> self) {
    LongPoll* const reactor = self.get();
    absl::StatusOr<Caller> caller =
        reactor->calls_.Enter(reactor->context_, reactor->notes_->method, reactor->pump_);
    reactor->self_ = self;  // until OnDone
    if (!caller.ok()) {
      reactor->Finish(reactor->calls_.Answered(*reactor->notes_, caller.status()));
      return reactor;
    }
    reactor->let_in_ = true;
    reactor->caller_ = *std::move(caller);
    reactor->caller_.call = reactor->notes_;
    reactor->pump_->Open([self = std::move(self)] { self->Turn(); });
    reactor->calls_.pool().PostAt(reactor->deadline_, [pump = std::weak_ptr(reactor->pump_)] {
      if (const auto alive = pump.lock()) alive->Kick();
    });
    reactor->pump_->Kick();
    return reactor;
  }

  void OnCancel() override {
    gone_ = true;
    pump_->Kick();
  }

  void OnDone() override {
    Calls& calls = calls_;
    const bool let_in = let_in_;
    pump_->Close();
    self_.reset();  // *this may end here
    if (let_in) calls.Gone();
  }

 private:
  void Turn() {
    if (ended_) return;
    if (gone_ || context_.IsCancelled()) return End(absl::CancelledError("the caller went away"));
    const bool last = std::chrono::steady_clock::now() >= deadline_ || calls_.draining();
    bool ready = false;
    const absl::Status status = RunGuarded([&]() -> absl::Status {
      RETURN_IF_ERROR(calls_.Recheck(caller_));
      if (!look_) {
        auto made = make_(caller_, [pump = std::weak_ptr(pump_)] {
          if (const auto alive = pump.lock()) alive->Kick();
        });
        if (!made.ok()) return made.status();
        look_ = *std::move(made);
      }
      if (calls_.draining()) return absl::OkStatus();
      const absl::StatusOr<bool> looked = look_();
      if (!looked.ok()) return looked.status();
      ready = *looked;
      return absl::OkStatus();
    });
    if (!status.ok() || ready || last) End(status);
  }

  void End(const absl::Status& status) {
    ended_ = true;
    look_ = nullptr;
    make_ = nullptr;
    calls_.Leave(pump_);
    this->Finish(calls_.Answered(*notes_, status));  // OnDone may follow at once
  }

  Calls& calls_;
  grpc::CallbackServerContext& context_;
  const std::shared_ptr<CallNotes> notes_;
  const Calls::Time deadline_;
  Caller caller_;
  const std::shared_ptr<Pump> pump_ = std::make_shared<Pump>(calls_.pool());
  std::shared_ptr<LongPoll> self_;
  bool let_in_ = false;  // set before the first turn
  std::atomic<bool> gone_{false};
  // touched in turns only
  MakeLook make_;
  Look look_;
  bool ended_ = false;
};

}  // namespace

grpc::ServerUnaryReactor* AnswerWhenReady(Calls& calls, grpc::CallbackServerContext& context,
                                          std::string_view method,
                                          std::chrono::steady_clock::time_point deadline,
                                          MakeLook make) {
  return LongPoll::Open(
      std::make_shared<LongPoll>(calls, context, method, deadline, std::move(make)));
}

}  // namespace vico::server
