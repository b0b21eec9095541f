// A call that receives a stream and answers it with one message. It reads a message only after it
// has processed the one before, so a fast sender cannot fill the memory.
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
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "common/status.h"
#include "server/rpc/calls.h"
#include "server/rpc/long_call.h"
#include "server/rpc/message_bytes.h"

namespace vico::server {

/// Receives a stream. Created, called and destroyed by one thread at a time. Its destructor drops
/// what Finish() has not made permanent.
template <class Request, class Response>
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  /// Processes one message; an error ends the call. May block on disk.
  virtual absl::Status Consume(Request message) = 0;
  /// Fills in the answer, after the last message.
  virtual absl::Status Finish(Response& answer) = 0;
};

struct ClientStreamOptions {
  /// Longest wait for one message of the sender.
  std::chrono::milliseconds stall{30'000};
  /// Longest duration of the whole upload.
  std::chrono::milliseconds limit{120'000};
  /// Total wait for the sender after which its average rate must be `bytes_per_second`.
  std::chrono::milliseconds rated_after{10'000};
  uint64_t bytes_per_second = 64 << 10;
  /// Interval of the checks of these limits.
  std::chrono::milliseconds check_interval{1'000};
};

namespace internal {

template <class Request, class Response>
class ClientStream final : public LongCall<grpc::ServerReadReactor<grpc::ByteBuffer>>,
                           public std::enable_shared_from_this<ClientStream<Request, Response>> {
 public:
  using Sink = StreamSink<Request, Response>;
  using MakeSink = std::function<std::unique_ptr<Sink>(const Caller& caller)>;

  ClientStream(Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
               grpc::ByteBuffer& answer, MakeSink make, const ClientStreamOptions& options)
      : Base(calls, context, method, Place::kTransfer),
        options_(options),
        read_since_(this->started()),
        answer_(answer),
        make_(std::move(make)) {}

  void OnReadDone(bool ok) override {
    waited_ = waited_.load() + (std::chrono::steady_clock::now() - read_since_.load());
    ok ? has_message_ = true : no_more_ = true;
    reading_ = false;
    this->Kick();
  }

 private:
  using Base = LongCall<grpc::ServerReadReactor<grpc::ByteBuffer>>;

  void Begin() override {
    sink_ = make_(this->caller());
    CheckRateLater();
  }

  void Turn() override {
    if (this->peer_gone() || (!reading_ && this->IsOver())) {
      return this->End(absl::CancelledError("the caller went away"));
    }
    if (this->calls().draining()) return this->End(DrainingError());
    if (absl::Status valid = this->calls().Recheck(this->caller()); !valid.ok()) {
      return this->End(valid);
    }
    if (reading_) return;
    if (has_message_.exchange(false)) {
      received_ += bytes_.Length();
      const absl::Status consumed = RunGuarded([this] { return Consume(); });
      if (!consumed.ok()) return this->End(consumed);
    }
    // A read also ends without a message when the stream breaks off, which is reported as a
    // cancellation: see above.
    if (no_more_) return Complete();
    this->UnlessEnded([this] {
      read_since_ = std::chrono::steady_clock::now();
      reading_ = true;
      this->StartRead(&bytes_);
    });
  }

  absl::Status Consume() {
    Request message;
    RETURN_IF_ERROR(ParseMessage(bytes_, message));
    bytes_.Clear();
    return sink_->Consume(std::move(message));
  }

  void Complete() {
    Response answer;
    const absl::Status finished = RunGuarded([&] { return sink_->Finish(answer); });
    this->End(finished, [&] {
      if (finished.ok()) answer_ = ToBytes(answer);
    });
  }

  void DropHandler() override {
    sink_.reset();
    make_ = nullptr;
  }

  /// Whether the upload exceeds a limit. The limit on its duration holds in every phase, the others
  /// while the call waits for the sender.
  bool IsSlow() const {
    const auto now = std::chrono::steady_clock::now();
    if (now - this->started() > options_.limit) return true;
    if (!reading_) return false;
    const auto waiting = now - read_since_.load();
    const auto waited = waited_.load() + waiting;
    const double seconds = std::chrono::duration<double>(waited).count();
    return waiting > options_.stall ||
           (waited > options_.rated_after &&
            static_cast<double>(received_) <
                static_cast<double>(options_.bytes_per_second) * seconds);
  }

  /// Ends the call at once, although its turn may wait for a thread or run for long.
  void CheckRateLater() {
    this->calls().pool().PostAt(std::chrono::steady_clock::now() + options_.check_interval,
                                [weak = this->weak_from_this()] {
                                  const std::shared_ptr<ClientStream> alive = weak.lock();
                                  if (!alive) return;
                                  if (!alive->IsSlow()) return alive->CheckRateLater();
                                  alive->EndNow(Error(absl::StatusCode::kDeadlineExceeded,
                                                      "the upload is too slow", "UPLOAD_TOO_SLOW"));
                                });
  }

  const ClientStreamOptions options_;
  std::atomic<bool> reading_{false};
  std::atomic<bool> has_message_{false};
  std::atomic<bool> no_more_{false};
  // Total of the waits for the sender that are over.
  std::atomic<Calls::Time::duration> waited_{Calls::Time::duration::zero()};
  std::atomic<uint64_t> received_{0};  // bytes
  std::atomic<Calls::Time> read_since_;
  // Used in turns only.
  grpc::ByteBuffer& answer_;
  MakeSink make_;
  std::unique_ptr<Sink> sink_;
  grpc::ByteBuffer bytes_;  // of the message that was read last
};

}  // namespace internal

/// Receives a client's stream with the sink that `make` creates, and answers when the stream ends.
/// `method` is a literal. The method is a raw one, so that a message that does not parse is an
/// error and not the end of the stream.
template <class Request, class Response>
grpc::ServerReadReactor<grpc::ByteBuffer>* OpenUpload(
    Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
    grpc::ByteBuffer& answer, typename internal::ClientStream<Request, Response>::MakeSink make,
    const ClientStreamOptions& options = {}) {
  using Stream = internal::ClientStream<Request, Response>;
  return Stream::Open(
      std::make_shared<Stream>(calls, context, method, answer, std::move(make), options));
}

}  // namespace vico::server
