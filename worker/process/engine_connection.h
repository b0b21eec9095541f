// An engine's process and the thread that reads what it sends.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/log.h"
#include "common/mutex.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/process/call_router.h"
#include "worker/process/child.h"

namespace vico::worker {

struct EngineProcessOptions {
  std::vector<std::string> command;          ///< the program's path and its flags
  absl::Duration start = absl::Minutes(30);  ///< to load the base models
};

/// Any thread. The reading thread never waits for a call, so a slow call does not hold back the
/// messages of others. It starts the process, which dies with it, and waits for its end.
class EngineConnection {
 public:
  /// Starts the process and waits for its Hello. Returns the engine's own error if it refuses to
  /// serve, kUnavailable if it does not start, and kDataLoss for another message.
  static absl::StatusOr<std::shared_ptr<EngineConnection>> Open(const EngineProcessOptions& options,
                                                                const Log& log);
  /// Ends the process.
  ~EngineConnection();
  EngineConnection(const EngineConnection&) = delete;
  EngineConnection& operator=(const EngineConnection&) = delete;

  const engine::v1::Hello& hello() const { return hello_; }
  pid_t pid() const { return child_->pid(); }
  int loaded_adapters() const { return loaded_adapters_; }  ///< as last reported
  CallRouter& calls() { return calls_; }

  /// kDeadlineExceeded when the engine reads nothing for `patience`, kUnavailable when it has
  /// ended, kResourceExhausted for a message that is too large, of which nothing is sent.
  absl::Status Send(const engine::v1::ToEngine& message, absl::Duration patience) {
    return child_->channel().Send(message, patience);
  }

  /// Ends the process, waits for that and returns how it ended: "exit code 3", "signal 9". The
  /// first reason to end goes into the log, unless it is OK.
  std::string End(const absl::Status& why);
  bool has_ended() const;  ///< or is about to

 private:
  EngineConnection(EngineProcessOptions options, const Log& log)
      : options_(std::move(options)), log_(log) {}
  void Run(std::promise<absl::StatusOr<engine::v1::Hello>> hello);
  absl::StatusOr<engine::v1::Hello> ReceiveHello();
  absl::Status RouteAll();
  void HandleEnd(const absl::Status& why);

  const EngineProcessOptions options_;
  const Log log_;
  CallRouter calls_;
  std::unique_ptr<Child> child_;  // set before the Hello is awaited
  engine::v1::Hello hello_;
  std::atomic<int> loaded_adapters_{0};

  mutable Mutex mutex_;
  CondVar ended_;
  bool ends_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status why_ ABSL_GUARDED_BY(mutex_);          // it ends; OK on purpose
  std::string how_it_ended_ ABSL_GUARDED_BY(mutex_);  // empty until the process has ended

  std::thread reader_;  // the last member: it uses the others
};

}  // namespace vico::worker
