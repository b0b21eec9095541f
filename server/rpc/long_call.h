// What long polls and streams in both directions share: admission, their pump, cancellation and the
// end of the call.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>

#include "common/mutex.h"
#include "server/rpc/calls.h"
#include "server/rpc/open_answers.h"
#include "server/rpc/pump.h"

namespace vico::server {

/// A reactor of gRPC's callback API, Reactor, whose work happens in turns of a pump. It keeps
/// itself alive from Open() to OnDone().
template <class Reactor>
class LongCall : public Reactor {
 public:
  /// Admits the call and starts its turns, or finishes it with the reason why not. Returns the
  /// reactor for gRPC.
  static Reactor* Open(std::shared_ptr<LongCall> call) {
    LongCall* const reactor = call.get();
    reactor->self_ = std::move(call);
    reactor->OpenSelf();
    return reactor;
  }

  void OnCancel() override {
    peer_gone_ = true;
    pump_->Kick();
  }

  void OnDone() override {
    Calls& calls = calls_;
    const bool admitted = admitted_;
    calls.answers().Remove(open_);
    calls.Leave(pump_);
    pump_->Close();
    self_.reset();  // *this may end here
    if (admitted) calls.Release();
  }

 protected:
  /// `context` must outlive the call, as gRPC's does. `method` is a literal.
  LongCall(Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
           Place place = Place::kStream)
      : calls_(calls), context_(context), notes_(NoteCall(context, method)), place_(place) {}
  ~LongCall() override = default;

  /// After admission, before the first turn, on gRPC's thread.
  virtual void Begin() = 0;

  /// One turn. The pump runs turns one after the other, on the pool.
  virtual void Turn() = 0;

  /// Destroys the handler's objects. In the last turn, before the call is finished.
  virtual void DropHandler() = 0;

  /// Finishes the call, in a turn, unless it has ended. OnDone() may run before this returns.
  /// `last` runs before that, while what gRPC owns is still there.
  void End(const absl::Status& status, const std::function<void()>& last = {}) {
    DropHandler();
    EndNow(status, last);
  }

  /// The same from any thread, also during a turn. The handler's objects remain until the turn is
  /// over; then the whole call is destroyed.
  void EndNow(const absl::Status& status, const std::function<void()>& last = {}) {
    {
      const MutexLock lock(end_mutex_);
      if (std::exchange(ended_, true)) return;
    }
    if (last) last();
    calls_.Leave(pump_);
    Send(status);
  }

  /// Runs `act`, which may use what gRPC owns, unless the call has ended. From any thread.
  void UnlessEnded(const std::function<void()>& act) {
    const MutexLock lock(end_mutex_);
    if (!ended_) act();
  }

  /// Whether the peer has gone away, or the call has ended.
  bool IsOver() {
    bool over = true;
    UnlessEnded([&] { over = peer_gone_ || context_.IsCancelled(); });
    return over;
  }

  void Kick() { pump_->Kick(); }

  /// Asks for a turn; any thread, any time, also after the end of the call.
  std::function<void()> Waker() const {
    return [pump = std::weak_ptr(pump_)] {
      if (const auto alive = pump.lock()) alive->Kick();
    };
  }

  Calls& calls() { return calls_; }
  const Caller& caller() const { return caller_; }
  grpc::CallbackServerContext& context() { return context_; }
  Calls::Time started() const { return notes_->started; }
  bool peer_gone() const { return peer_gone_; }
  void set_peer_gone() { peer_gone_ = true; }

 private:
  void OpenSelf() {
    absl::StatusOr<Caller> caller = calls_.Enter(context_, notes_->method, pump_, place_);
    if (!caller.ok()) return Send(caller.status());
    admitted_ = true;
    caller_ = *std::move(caller);
    caller_.call = notes_;
    Begin();
    pump_->Open(
        [self = self_] {
          bool ended = true;
          self->UnlessEnded([&] { ended = false; });
          if (!ended) self->Turn();
        },
        OwnerOf(caller_));
    pump_->Kick();
  }

  void Send(const absl::Status& status) {
    open_ = calls_.answers().Add([this] { context_.TryCancel(); }, Calls::Time::clock::now());
    this->Finish(calls_.Answered(*notes_, status));
  }

  Calls& calls_;
  grpc::CallbackServerContext& context_;
  const std::shared_ptr<CallNotes> notes_;
  const Place place_;
  const std::shared_ptr<Pump> pump_ = std::make_shared<Pump>(calls_.PoolOf(place_));
  Caller caller_;
  std::shared_ptr<LongCall> self_;
  bool admitted_ = false;                     // set before the first turn
  std::shared_ptr<OpenAnswers::Entry> open_;  // once the call has ended
  Mutex end_mutex_;
  bool ended_ ABSL_GUARDED_BY(end_mutex_) = false;
  std::atomic<bool> peer_gone_{false};
};

}  // namespace vico::server
