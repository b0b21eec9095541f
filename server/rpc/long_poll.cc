#include "server/rpc/long_poll.h"

#include <memory>
#include <utility>

#include "common/crypto/random_bits.h"
#include "common/status.h"
#include "server/rpc/long_call.h"

namespace vico::server {
namespace {

class LongPoll final : public LongCall<grpc::ServerUnaryReactor> {
 public:
  LongPoll(Calls& calls, grpc::CallbackServerContext& context, std::string_view method,
           Calls::Time deadline, MakePoll make, std::chrono::milliseconds interval)
      : LongCall(calls, context, method),
        deadline_(deadline),
        interval_(interval),
        make_(std::move(make)) {}

 private:
  void Begin() override { calls().pool().PostAt(deadline_, Waker()); }

  void Turn() override {
    if (peer_gone() || context().IsCancelled()) {
      return End(absl::CancelledError("the caller went away"));
    }
    const bool last = std::chrono::steady_clock::now() >= deadline_ || calls().draining();
    bool ready = false;
    const absl::Status status = RunGuarded([&]() -> absl::Status {
      RETURN_IF_ERROR(calls().Recheck(caller()));
      if (!poll_) {
        ASSIGN_OR_RETURN(poll_, make_(caller(), Waker()));
      }
      if (calls().draining()) return absl::OkStatus();
      ASSIGN_OR_RETURN(ready, poll_());
      return absl::OkStatus();
    });
    if (!status.ok() || ready || last) return End(status);
    PollLater();
  }

  /// Unless a poll is planned already.
  void PollLater() {
    const auto now = std::chrono::steady_clock::now();
    if (next_ > now) return;
    next_ = now + std::chrono::duration_cast<Calls::Time::duration>(interval_ * (0.5 + Random01()));
    if (next_ < deadline_) calls().pool().PostAt(next_, Waker());
  }

  void DropHandler() override {
    poll_ = nullptr;
    make_ = nullptr;
  }

  const Calls::Time deadline_;
  const std::chrono::milliseconds interval_;
  // Used in turns only.
  MakePoll make_;
  Poll poll_;
  Calls::Time next_{};
};

}  // namespace

grpc::ServerUnaryReactor* AnswerWhenReady(Calls& calls, grpc::CallbackServerContext& context,
                                          std::string_view method,
                                          std::chrono::steady_clock::time_point deadline,
                                          MakePoll make, std::chrono::milliseconds interval) {
  return LongPoll::Open(
      std::make_shared<LongPoll>(calls, context, method, deadline, std::move(make), interval));
}

}  // namespace vico::server
