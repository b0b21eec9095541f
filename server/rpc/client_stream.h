// A call that sends us a stream and gets one answer. One message is read at a time, when the one
// before it is dealt with, so a fast sender fills no memory of ours.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "common/status.h"
#include "server/rpc/calls.h"
#include "server/rpc/pump.h"

namespace vico::server {

/// What takes a stream in. Made, called and destroyed by one thread at a time; destroying it drops
/// whatever Finish() has not made final.
template <class Request, class Response>
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  /// One message; an error ends the call. May block on disk.
  virtual absl::Status Take(Request message) = 0;
  /// After the last message: the answer.
  virtual absl::Status Finish(Response& answer) = 0;
};

struct ClientStreamOptions {
  std::chrono::milliseconds stall{30'000};   ///< a sender that says nothing for so long is cut off
  std::chrono::milliseconds limit{120'000};  ///< of the whole upload
  std::chrono::milliseconds rated_after{
      10'000};                            ///< of waiting for the sender; from then on it must
  uint64_t bytes_per_second = 64 << 10;   ///< have sent so much on average
  std::chrono::milliseconds look{1'000};  ///< how often all this is looked at
};

namespace internal {

template <class Request, class Response>
class ClientStream final : public grpc::ServerReadReactor<Request>,
                           public std::enable_shared_from_this<ClientStream<Request, Response>> {
 public:
  using Sink = StreamSink<Request, Response>;
  using MakeSink = std::function<std::unique_ptr<Sink>(const Caller& caller)>;

  ClientStream(Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
               Response& answer, const ClientStreamOptions& options)
      : calls_(calls),
        context_(context),
        notes_(NoteCall(context, method)),
        options_(options),
        answer_(answer) {}

  static grpc::ServerReadReactor<Request>* Open(std::shared_ptr<ClientStream> self,
                                                const MakeSink& make) {
    ClientStream* const reactor = self.get();
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
    reactor->sink_ = make(reactor->caller_);
    reactor->pump_->Open([self = std::move(self)] { self->Turn(); });
    reactor->Watch();
    reactor->pump_->Kick();
    return reactor;
  }

  void OnReadDone(bool ok) override {
    waited_ = waited_.load() + (std::chrono::steady_clock::now() - read_since_.load());
    ok ? has_message_ = true : no_more_ = true;
    reading_ = false;
    pump_->Kick();
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
    if (gone_ || (!reading_ && context_.IsCancelled())) {
      return End(absl::CancelledError("the caller went away"));
    }
    if (calls_.draining()) return End(DrainingError());
    if (absl::Status welcome = calls_.Recheck(caller_); !welcome.ok()) return End(welcome);
    if (reading_) {
      if (slow_) {
        End(Error(absl::StatusCode::kDeadlineExceeded, "the upload is too slow",
                  "UPLOAD_TOO_SLOW"));
      }
      return;
    }
    if (has_message_.exchange(false)) {
      received_ += message_.ByteSizeLong();
      const absl::Status taken = RunGuarded([&] { return sink_->Take(std::move(message_)); });
      if (!taken.ok()) return End(taken);
    }
    if (no_more_) return End(RunGuarded([&] { return sink_->Finish(answer_); }));
    read_since_ = std::chrono::steady_clock::now();
    reading_ = true;
    this->StartRead(&message_);
  }

  void End(const absl::Status& status) {
    ended_ = true;
    sink_.reset();
    calls_.Leave(pump_);
    this->Finish(calls_.Answered(*notes_, status));  // OnDone may follow at once
  }

  /// Whether the sender, who is being waited for, has used up its patience.
  bool IsSlow() const {
    const auto now = std::chrono::steady_clock::now();
    const auto waiting = now - read_since_.load();
    const auto waited = waited_.load() + waiting;
    const double seconds = std::chrono::duration<double>(waited).count();
    return waiting > options_.stall || now - notes_->started > options_.limit ||
           (waited > options_.rated_after &&
            static_cast<double>(received_) <
                static_cast<double>(options_.bytes_per_second) * seconds);
  }

  void Watch() {
    calls_.pool().PostAt(std::chrono::steady_clock::now() + options_.look,
                         [weak = this->weak_from_this()] {
                           const std::shared_ptr<ClientStream> alive = weak.lock();
                           if (!alive) return;
                           if (alive->reading_ && alive->IsSlow()) {
                             alive->slow_ = true;
                             alive->pump_->Kick();
                           }
                           alive->Watch();
                         });
  }

  Calls& calls_;
  grpc::CallbackServerContext& context_;
  const std::shared_ptr<CallNotes> notes_;
  Caller caller_;
  const ClientStreamOptions options_;
  const std::shared_ptr<Pump> pump_ = std::make_shared<Pump>(calls_.pool());
  std::shared_ptr<ClientStream> self_;
  bool let_in_ = false;  // set before the first turn
  std::atomic<bool> reading_{false};
  std::atomic<bool> has_message_{false};
  std::atomic<bool> no_more_{false};
  std::atomic<bool> gone_{false};
  std::atomic<bool> slow_{false};
  std::atomic<Calls::Time::duration> waited_{
      Calls::Time::duration::zero()};  // for the sender, so far
  std::atomic<uint64_t> received_{0};  // bytes
  std::atomic<Calls::Time> read_since_{notes_->started};
  // touched in turns only
  Response& answer_;
  std::unique_ptr<Sink> sink_;
  Request message_;
  bool ended_ = false;
};

}  // namespace internal

/// Takes in a client's stream by what `make` makes, and answers when it ends. `method` is a
/// literal.
template <class Request, class Response>
grpc::ServerReadReactor<Request>* OpenUpload(
    Calls& calls, grpc::CallbackServerContext& context, std::string_view method, Response& answer,
    const typename internal::ClientStream<Request, Response>::MakeSink& make,
    const ClientStreamOptions& options = {}) {
  return internal::ClientStream<Request, Response>::Open(
      std::make_shared<internal::ClientStream<Request, Response>>(calls, context, method, answer,
                                                                  options),
      make);
}

}  // namespace vico::server
