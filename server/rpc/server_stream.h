// A call that answers with a stream. At most one message is in flight, so a slow reader holds back
// its own source only. A stream that waits uses no thread.
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
#include "server/rpc/long_call.h"

namespace vico::server {

enum class Next { kItem, kWait, kEnd };

/// Source of a stream's messages. Created, called and destroyed by one thread at a time.
template <class Response>
class StreamSource {
 public:
  virtual ~StreamSource() = default;

  /// kItem: `item` holds the next message. kWait: there is none yet; the `wake` of OpenStream
  /// causes the next Pull(). kEnd: the stream is complete. May block on disk.
  virtual absl::StatusOr<Next> Pull(Response& item) = 0;
};

struct ServerStreamOptions {
  std::chrono::milliseconds limit{3'600'000};  ///< duration, then it ends with kDeadlineExceeded
  std::chrono::milliseconds tick{5'000};       ///< longest pause between two calls of Pull()
  Place place = Place::kStream;
};

namespace internal {

template <class Response>
class ServerStream final : public LongCall<grpc::ServerWriteReactor<Response>>,
                           public std::enable_shared_from_this<ServerStream<Response>> {
 public:
  /// Creates the source; runs on the pool. `wake` may be kept, and called from any thread at any
  /// time.
  using MakeSource = std::function<absl::StatusOr<std::unique_ptr<StreamSource<Response>>>(
      const Caller& caller, std::function<void()> wake)>;

  ServerStream(Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
               MakeSource make, const ServerStreamOptions& options)
      : Base(calls, context, method, options.place), options_(options), make_(std::move(make)) {}

  void OnWriteDone(bool ok) override {
    if (!ok) this->set_peer_gone();
    writing_ = false;
    this->Kick();
  }

 private:
  using Base = LongCall<grpc::ServerWriteReactor<Response>>;

  void Begin() override {
    this->calls().pool().Every(
        std::min({options_.tick, options_.limit, this->calls().limits().answer}),
        this->weak_from_this(), this->Waker());
  }

  void Turn() override {
    const auto now = std::chrono::steady_clock::now();
    const bool over = now - this->started() >= options_.limit;
    if (writing_) {
      // The peer does not read; only a cancelled call gets its message back.
      if (over || now - writes_since_ >= this->calls().limits().answer) this->context().TryCancel();
      return;
    }
    if (this->peer_gone()) return this->End(absl::CancelledError("the caller went away"));
    if (this->calls().draining()) return this->End(DrainingError());
    if (over) {
      return this->End(Error(absl::StatusCode::kDeadlineExceeded,
                             "the stream has reached its time limit; call again", "STREAM_LIMIT"));
    }
    const absl::StatusOr<Next> next = Pull();
    if (!next.ok() || *next == Next::kEnd) return this->End(next.status());
    if (*next == Next::kItem) {
      writing_ = true;
      writes_since_ = std::chrono::steady_clock::now();
      this->StartWrite(&item_);
    }
  }

  absl::StatusOr<Next> Pull() {
    Next next = Next::kEnd;
    RETURN_IF_ERROR(RunGuarded([&]() -> absl::Status {
      RETURN_IF_ERROR(this->calls().Recheck(this->caller()));
      if (!source_) {
        ASSIGN_OR_RETURN(source_, make_(this->caller(), this->Waker()));
      }
      item_.Clear();
      ASSIGN_OR_RETURN(next, source_->Pull(item_));
      return absl::OkStatus();
    }));
    return next;
  }

  void DropHandler() override {
    source_.reset();
    make_ = nullptr;
  }

  const ServerStreamOptions options_;
  std::atomic<bool> writing_{false};
  // Used in turns only.
  Calls::Time writes_since_{};
  MakeSource make_;
  std::unique_ptr<StreamSource<Response>> source_;
  Response item_;
};

}  // namespace internal

/// Answers a call with the messages of the source that `make` creates. `method` is a literal.
template <class Response>
grpc::ServerWriteReactor<Response>* OpenStream(
    Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
    typename internal::ServerStream<Response>::MakeSource make,
    const ServerStreamOptions& options = {}) {
  using Stream = internal::ServerStream<Response>;
  return Stream::Open(std::make_shared<Stream>(calls, context, method, std::move(make), options));
}

}  // namespace vico::server
