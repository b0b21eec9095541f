// What all calls share: the threads they run on, one record a call, the number of open streams, and
// the end of them all when the server drains.
#pragma once

#include <atomic>
#include <chrono>
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
#include <grpcpp/support/status.h>

#include "server/rpc/pool.h"
#include "server/rpc/pump.h"

namespace vico {

/// One finished call.
struct CallRecord {
  std::string method;
  absl::Status status;
  std::chrono::microseconds took{0};
};

struct CallLimits {
  size_t backlog = 2000;  ///< calls that wait for a thread; the next one is refused
  size_t streams = 1200;  ///< open streams and long polls; the next one is refused
};

/// Any thread may call any method.
class Calls {
 public:
  using Log = std::function<void(const CallRecord&)>;
  using Time = std::chrono::steady_clock::time_point;

  /// `pool` must outlive every call. `log` is called from any thread.
  Calls(Pool& pool, const CallLimits& limits, Log log)
      : pool_(pool), limits_(limits), log_(std::move(log)) {}

  Pool& pool() { return pool_; }

  /// kResourceExhausted when too many calls wait for a thread, kUnavailable when draining.
  absl::Status Admit() const;

  /// Admit(), and a place among the open streams until Leave().
  absl::Status Enter(const std::shared_ptr<Pump>& stream);
  void Leave(const std::shared_ptr<Pump>& stream);

  /// Logs and counts a call that is about to be answered, and turns its status into gRPC's.
  grpc::Status Answered(std::string_view method, const absl::Status& status, Time started);

  /// Refuses new calls and gives each open stream a turn, in which it ends itself.
  void Drain();
  bool draining() const { return draining_; }

  size_t open_streams() const;
  /// Answers so far by method and code.
  std::map<std::pair<std::string, absl::StatusCode>, uint64_t> Counts() const;

 private:
  Pool& pool_;
  const CallLimits limits_;
  const Log log_;
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  // guarded by mutex_
  std::set<std::shared_ptr<Pump>> streams_;
  std::map<std::pair<std::string, absl::StatusCode>, uint64_t> counts_;
};

/// What a stream says when the server goes away under it; clients come back with `after_sequence`.
absl::Status DrainingError();

/// Runs `act`; what it throws becomes a status: kResourceExhausted for memory, else kInternal.
absl::Status RunGuarded(const std::function<absl::Status()>& act);

}  // namespace vico
