// What the calls of one listener share: authenticator, threads, limits, log, and the drain.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/status.h>

#include "common/mutex.h"
#include "server/rpc/caller.h"
#include "server/rpc/pool.h"
#include "server/rpc/pump.h"

namespace vico::server {

/// One finished call.
struct CallRecord {
  const CallNotes& notes;
  absl::Status status;
  std::chrono::microseconds duration{0};
};

struct CallLimits {
  size_t backlog = 2000;  ///< calls that wait for a thread; further calls are refused
  size_t streams = 1200;  ///< open streams and long polls; further ones are refused
  std::chrono::milliseconds unary{30'000};  ///< longest wait of a call for a thread
};

/// Any thread may call any method.
class Calls {
 public:
  using Log = std::function<void(const CallRecord&)>;
  using Time = std::chrono::steady_clock::time_point;

  /// `pool` and `authenticator` must outlive every call. `log` may be null; any thread calls it.
  Calls(Pool& pool, const Authenticator& authenticator, const CallLimits& limits, Log log)
      : pool_(pool), authenticator_(authenticator), limits_(limits), log_(std::move(log)) {}

  Pool& pool() { return pool_; }

  /// Authenticates the caller of a unary call. Errors are the authenticator's and those of
  /// HasRoom(). An admitted call must be released.
  absl::StatusOr<Caller> Admit(const grpc::ServerContextBase& context, std::string_view method);

  /// As Admit() for a stream or long poll, which counts as open until Leave().
  absl::StatusOr<Caller> Enter(const grpc::ServerContextBase& context, std::string_view method,
                               const std::shared_ptr<Pump>& stream);

  /// An admitted call is over: gRPC has sent its answer, or cannot.
  void Release();

  /// kResourceExhausted when too many calls wait for a thread, kUnavailable when draining.
  absl::Status HasRoom() const;

  /// The part of Enter() after authentication. kResourceExhausted, reason TOO_MANY_STREAMS.
  absl::Status TakePlace(const std::shared_ptr<Pump>& stream);
  void Leave(const std::shared_ptr<Pump>& stream);

  /// kDeadlineExceeded when a call that arrived at `started` has waited too long for a thread.
  absl::Status CheckOnTime(Time started) const;

  /// Logs a call that is about to be answered and converts its status to gRPC's. Private text goes
  /// to the log only; the caller gets the request id to ask for it.
  grpc::Status Answered(const CallNotes& notes, const absl::Status& status);

  /// OK while a stream of this caller may continue. Each turn of a stream checks it.
  absl::Status Recheck(const Caller& caller) const { return authenticator_.Recheck(caller); }

  /// Gives each open stream a turn, in which it ends if its caller is no longer authorized.
  void Recheck();

  /// Refuses new calls and gives each open stream a turn, in which it ends.
  void Drain();
  bool draining() const { return draining_; }

  /// Waits until every admitted call is released; false if some are not at `deadline`.
  bool WaitForAnswers(Time deadline);

  size_t open_streams() const;

 private:
  Pool& pool_;
  const Authenticator& authenticator_;
  const CallLimits limits_;
  const Log log_;
  std::atomic<bool> draining_{false};
  mutable Mutex mutex_;
  CondVar released_;
  std::set<std::shared_ptr<Pump>> streams_ ABSL_GUARDED_BY(mutex_);
  size_t admitted_ ABSL_GUARDED_BY(mutex_) = 0;  // and not released
};

/// How a draining server ends streams: kUnavailable, reason DRAINING, with RetryInfo. Clients
/// resume a watch with `after_sequence`.
absl::Status DrainingError();

/// Runs `act` and converts its exceptions: out of memory to kResourceExhausted, others to
/// kInternal.
absl::Status RunGuarded(const std::function<absl::Status()>& act);

}  // namespace vico::server
