// What all calls share: the gate they pass, the threads they run on, one record a call, the number
// of open streams, and the end of them all when the server drains.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/status.h>

#include "server/rpc/caller.h"
#include "server/rpc/pool.h"
#include "server/rpc/pump.h"

namespace vico::server {

/// One finished call.
struct CallRecord {
  const CallNotes& notes;
  absl::Status status;
  std::chrono::microseconds took{0};
};

struct CallLimits {
  size_t backlog = 2000;  ///< calls that wait for a thread; the next one is refused
  size_t streams = 1200;  ///< open streams and long polls; the next one is refused
  std::chrono::milliseconds unary{30'000};  ///< a call that waited longer for a thread is not begun
};

/// Any thread may call any method.
class Calls {
 public:
  using Log = std::function<void(const CallRecord&)>;
  using Time = std::chrono::steady_clock::time_point;

  /// `pool` and `gate` must outlive every call. `log` is called from any thread.
  Calls(Pool& pool, const Authenticator& authenticator, const CallLimits& limits, Log log)
      : pool_(pool), authenticator_(authenticator), limits_(limits), log_(std::move(log)) {}

  Pool& pool() { return pool_; }

  /// Who calls; an error of the gate's, or as HasRoom(). Gone() when the call is over.
  absl::StatusOr<Caller> Admit(const grpc::ServerContextBase& context, std::string_view method);

  /// Admit(), and a place among the open streams until Leave().
  absl::StatusOr<Caller> Enter(const grpc::ServerContextBase& context, std::string_view method,
                               const std::shared_ptr<Pump>& stream);

  /// A call that was let in is over: gRPC has sent its answer, or cannot.
  void Gone();

  /// kResourceExhausted when too many calls wait for a thread, kUnavailable when draining.
  absl::Status HasRoom() const;

  /// The half of Enter() that does not ask who calls.
  absl::Status TakePlace(const std::shared_ptr<Pump>& stream);
  void Leave(const std::shared_ptr<Pump>& stream);

  /// kDeadlineExceeded when a call that came at `started` has waited too long to be begun.
  absl::Status CheckOnTime(Time started) const;

  /// Logs and counts a call that is about to be answered, and turns its status into gRPC's. Private
  /// text goes to the log; the caller hears under which request id.
  grpc::Status Answered(const CallNotes& notes, const absl::Status& status);

  /// OK while a stream of this caller may go on; asked in each of its turns.
  absl::Status Recheck(const Caller& caller) const { return authenticator_.Recheck(caller); }

  /// Gives each open stream a turn, in which it ends itself if its caller is not welcome any more.
  void Recheck();

  /// Refuses new calls and gives each open stream a turn, in which it ends itself.
  void Drain();
  bool draining() const { return draining_; }

  /// Waits until every call that was let in has its answer on the way: false if some have not at
  /// `deadline`.
  bool WaitForAnswers(Time deadline);

  size_t open_streams() const;
  /// Answers so far by method and code.
  std::map<std::pair<std::string, absl::StatusCode>, uint64_t> Counts() const;

 private:
  Pool& pool_;
  const Authenticator& authenticator_;
  const CallLimits limits_;
  const Log log_;
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  // guarded by mutex_
  std::set<std::shared_ptr<Pump>> streams_;
  size_t let_in_ = 0;  // and not gone
  std::map<std::pair<std::string, absl::StatusCode>, uint64_t> counts_;
};

/// What a stream says when the server goes away under it; clients come back with `after_sequence`.
absl::Status DrainingError();

/// Runs `act`; what it throws becomes a status: kResourceExhausted for memory, else kInternal.
absl::Status RunGuarded(const std::function<absl::Status()>& act);

}  // namespace vico::server
