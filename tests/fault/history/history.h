// The calls that the clients and workers of a run made, with the times of call and answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "common/mutex.h"
#include "tests/fault/history/worker_log.h"
#include "vico/v1/job.pb.h"

namespace vico::fault {

struct ClientCall {
  enum class Kind { kSubmit, kCancel, kGet };
  Kind kind = Kind::kGet;
  int64_t called_us = 0;  ///< BootMicros
  int64_t answered_us = 0;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string job;                                 ///< in the request, or in the answer to a submit
  std::string request_id;                          ///< of a submit
  std::string body;                                ///< of a submit: what distinguishes its spec
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;  ///< this and the rest: of the job in the answer
  uint64_t last_sequence = 0;
  bool cancel_requested = false;
};

/// One call of WatchJob.
struct WatchStream {
  std::string job;
  uint64_t after_sequence = 0;
  std::vector<v1::Event> events;
  absl::StatusCode code = absl::StatusCode::kOk;
};

struct History {
  std::vector<ClientCall> calls;
  std::vector<WatchStream> streams;
  std::vector<WorkerRecord> workers;
  int64_t wall_minus_boot_us = 0;  ///< time of an event minus this is BootMicros
};

/// Collects the history from the threads of a run. Any thread.
class HistoryRecorder {
 public:
  void Add(ClientCall call) {
    const MutexLock lock(mutex_);
    history_.calls.push_back(std::move(call));
  }
  void Add(WatchStream stream) {
    const MutexLock lock(mutex_);
    history_.streams.push_back(std::move(stream));
  }
  History Take() {
    const MutexLock lock(mutex_);
    return std::move(history_);
  }

 private:
  Mutex mutex_;
  History history_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::fault
