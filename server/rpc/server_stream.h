// A call that answers with a stream. One message is in flight at a time, so a slow reader holds
// back its source and nothing else; a stream that waits costs no thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "common/status.h"
#include "server/rpc/calls.h"
#include "server/rpc/pump.h"

namespace vico::server {

enum class Next { kItem, kWait, kEnd };

/// What a stream sends. Made, asked and destroyed by one thread at a time.
template <class Response>
class StreamSource {
 public:
  virtual ~StreamSource() = default;

  /// kItem: `item` holds the next message. kWait: nothing now; `wake`, handed in by OpenStream,
  /// says when to ask again. kEnd: the stream is complete. May block on disk.
  virtual absl::StatusOr<Next> Pull(Response& item) = 0;
};

struct ServerStreamOptions {
  std::chrono::milliseconds limit{3'600'000};  ///< then it ends with kDeadlineExceeded
  std::chrono::milliseconds tick{5'000};       ///< a source that waits is asked again this often
};

namespace internal {

/// Kicks `pump` every `tick` as long as it lives.
inline void KeepKicking(Pool& pool, std::weak_ptr<Pump> pump, std::chrono::milliseconds tick) {
  pool.PostAt(std::chrono::steady_clock::now() + tick, [&pool, pump = std::move(pump), tick] {
    const std::shared_ptr<Pump> alive = pump.lock();
    if (!alive) return;
    alive->Kick();
    KeepKicking(pool, pump, tick);
  });
}

template <class Response>
class ServerStream final : public grpc::ServerWriteReactor<Response> {
 public:
  /// Makes the source; runs on the pool. `wake` may be kept, and called from any thread at any
  /// time.
  using MakeSource = std::function<absl::StatusOr<std::unique_ptr<StreamSource<Response>>>(
      const Caller& caller, std::function<void()> wake)>;

  ServerStream(Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
               MakeSource make, const ServerStreamOptions& options)
      : calls_(calls),
        context_(context),
        notes_(NoteCall(context, method)),
        options_(options),
        make_(std::move(make)) {}

  static grpc::ServerWriteReactor<Response>* Open(std::shared_ptr<ServerStream> self,
                                                  const grpc::ServerContextBase& context) {
    ServerStream* const reactor = self.get();
    absl::StatusOr<Caller> caller =
        reactor->calls_.Enter(context, reactor->notes_->method, reactor->pump_);
    reactor->self_ = self;  // until OnDone
    if (!caller.ok()) {
      reactor->Finish(reactor->calls_.Answered(*reactor->notes_, caller.status()));
      return reactor;
    }
    reactor->let_in_ = true;
    reactor->caller_ = *std::move(caller);
    reactor->caller_.call = reactor->notes_;
    reactor->pump_->Open([self = std::move(self)] { self->Turn(); });
    KeepKicking(reactor->calls_.pool(), reactor->pump_,
                std::min(reactor->options_.tick, reactor->options_.limit));
    reactor->pump_->Kick();
    return reactor;
  }

  void OnWriteDone(bool ok) override {
    if (!ok) gone_ = true;
    writing_ = false;
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
    const bool over = std::chrono::steady_clock::now() - notes_->started >= options_.limit;
    if (writing_) {
      if (over) context_.TryCancel();  // it does not read: only so does its message let go
      return;
    }
    if (gone_) return End(absl::CancelledError("the caller went away"));
    if (calls_.draining()) return End(DrainingError());
    if (over) {
      return End(Error(absl::StatusCode::kDeadlineExceeded,
                       "the stream is as old as it may get; call again", "STREAM_LIMIT"));
    }
    Next next = Next::kEnd;
    const absl::Status status = RunGuarded([&]() -> absl::Status {
      if (absl::Status welcome = calls_.Recheck(caller_); !welcome.ok()) return welcome;
      if (!source_) {
        auto made = make_(caller_, [pump = std::weak_ptr(pump_)] {
          if (const auto alive = pump.lock()) alive->Kick();
        });
        if (!made.ok()) return made.status();
        source_ = *std::move(made);
      }
      item_.Clear();
      const absl::StatusOr<Next> pulled = source_->Pull(item_);
      if (!pulled.ok()) return pulled.status();
      next = *pulled;
      return absl::OkStatus();
    });
    if (!status.ok() || next == Next::kEnd) return End(status);
    if (next == Next::kItem) {
      writing_ = true;
      this->StartWrite(&item_);
    }
  }

  void End(const absl::Status& status) {
    ended_ = true;
    source_.reset();
    make_ = nullptr;
    calls_.Leave(pump_);
    this->Finish(calls_.Answered(*notes_, status));  // OnDone may follow at once
  }

  Calls& calls_;
  grpc::CallbackServerContext& context_;
  const std::shared_ptr<CallNotes> notes_;
  Caller caller_;
  const ServerStreamOptions options_;
  const std::shared_ptr<Pump> pump_ = std::make_shared<Pump>(calls_.pool());
  std::shared_ptr<ServerStream> self_;
  bool let_in_ = false;  // set before the first turn
  std::atomic<bool> writing_{false};
  std::atomic<bool> gone_{false};
  // touched in turns only
  MakeSource make_;
  std::unique_ptr<StreamSource<Response>> source_;
  Response item_;
  bool ended_ = false;
};

}  // namespace internal

/// Answers a call with what the source made by `make` has to say. `method` is a literal.
template <class Response>
grpc::ServerWriteReactor<Response>* OpenStream(
    Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
    typename internal::ServerStream<Response>::MakeSource make,
    const ServerStreamOptions& options = {}) {
  return internal::ServerStream<Response>::Open(
      std::make_shared<internal::ServerStream<Response>>(calls, context, method, std::move(make),
                                                         options),
      context);
}

}  // namespace vico::server
