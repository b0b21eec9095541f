// What the calls of one listener share: authenticator, threads, limits, log, and the drain.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/status.h>

#include "common/mutex.h"
#include "common/shares.h"
#include "server/rpc/caller.h"
#include "server/rpc/open_answers.h"
#include "server/rpc/pool.h"
#include "server/rpc/pump.h"

namespace vico::server {

/// One finished call.
struct CallRecord {
  const CallNotes& notes;
  absl::Status status;
  std::chrono::microseconds duration{0};
};

/// Limits of one group of calls. Of each number and of the bytes one caller gets at most half of
/// what the others leave.
struct CallLimits {
  size_t backlog = 2000;   ///< tasks that wait for a thread; further calls are refused
  size_t calls = 2000;     ///< unary calls, until their answer is sent; further ones are refused
  size_t streams = 1200;   ///< open streams and long polls; further ones are refused
  size_t transfers = 128;  ///< among the streams, those that carry files
  uint64_t request_bytes = uint64_t{64} << 20;  ///< of unary calls
  uint64_t answer_bytes = uint64_t{16} << 20;   ///< of unary calls, encoded
  std::chrono::milliseconds unary{30'000};      ///< longest wait of a call for a thread
  /// Longest time for the peer to take an answer, or one message of a stream; then the call ends.
  std::chrono::milliseconds answer{30'000};
};

/// What a long call keeps from others while it is open.
enum class Place {
  kStream,
  kTransfer,  ///< also one of the places for files, whose messages are large
  kPictures,  ///< as kStream; its turns may read files
};

/// What an admitted unary call counts for.
struct CallCost {
  std::string owner;
  uint64_t request_bytes = 0;
  uint64_t answer_bytes = 0;
};

/// In whose name a call counts: the tenant, or a worker's or operator's name.
std::string OwnerOf(const Caller& caller);

/// Any thread may call any method.
class Calls {
 public:
  using Log = std::function<void(const CallRecord&)>;
  using Time = std::chrono::steady_clock::time_point;

  /// `pool` and `authenticator` must outlive every call. `log` may be null; any thread calls it.
  /// Calls that read or write files have their turns on `transfers`, which must outlive them too,
  /// so that a slow object store keeps no other call waiting; null: on `pool`.
  Calls(Pool& pool, const Authenticator& authenticator, const CallLimits& limits, Log log,
        Pool* transfers = nullptr);

  Pool& pool() { return pool_; }

  /// The pool for the turns of a call with such a place.
  Pool& PoolOf(Place place) { return place == Place::kStream ? pool_ : transfers_; }
  const CallLimits& limits() const { return limits_; }

  /// The answers that gRPC sends. Those that take too long are cancelled.
  OpenAnswers& answers() { return *answers_; }

  /// The authenticator's errors.
  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context,
                                      std::string_view method) const {
    return authenticator_.Authenticate(context, method);
  }

  /// Admits a unary call. Errors are those of HasRoom(), and kResourceExhausted, reason
  /// TOO_MANY_CALLS. An admitted call must be released.
  absl::Status Admit(const CallCost& cost);

  /// Counts the answer of an admitted call. kResourceExhausted, reason ANSWERS_NOT_READ, when the
  /// caller has not taken earlier ones.
  absl::Status HoldAnswer(CallCost& cost, uint64_t bytes);

  /// An admitted unary call is over: gRPC has sent its answer, or cannot.
  void Release(const CallCost& cost);

  /// Authenticates the caller of a stream or long poll, which counts as open until Leave(), and as
  /// admitted until Release(). Errors are the authenticator's and those of TakePlace().
  absl::StatusOr<Caller> Enter(const grpc::ServerContextBase& context, std::string_view method,
                               const std::shared_ptr<Pump>& stream, Place place);
  void Release();

  /// kResourceExhausted when too many calls wait for a thread, kUnavailable when draining.
  absl::Status HasRoom() const;

  /// The part of Enter() after authentication. kResourceExhausted, reason TOO_MANY_STREAMS.
  absl::Status TakePlace(const std::shared_ptr<Pump>& stream, const std::string& owner,
                         Place place = Place::kStream);
  /// Without effect after the first time.
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
  struct Stream {
    std::string owner;
    Place place;
  };

  Pool& pool_;
  Pool& transfers_;
  const Authenticator& authenticator_;
  const CallLimits limits_;
  const Log log_;
  const std::shared_ptr<OpenAnswers> answers_;
  Shares calls_;
  Shares request_bytes_;
  Shares answer_bytes_;
  Shares stream_places_;
  Shares transfer_places_;
  std::atomic<bool> draining_{false};
  mutable Mutex mutex_;
  CondVar released_;
  std::map<std::shared_ptr<Pump>, Stream> streams_ ABSL_GUARDED_BY(mutex_);
  size_t admitted_ ABSL_GUARDED_BY(mutex_) = 0;  // and not released
};

/// How a draining server ends streams: kUnavailable, reason DRAINING, with RetryInfo. Clients
/// resume a watch with `after_sequence`.
absl::Status DrainingError();

/// Runs `act` and converts its exceptions: out of memory to kResourceExhausted, others to
/// kInternal.
absl::Status RunGuarded(const std::function<absl::Status()>& act);

}  // namespace vico::server
