// What the clients and workers of a run saw: every call with the moments it began and was answered.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "tests/fault/worker_log.h"
#include "vico/v1/job.pb.h"

namespace vico {

struct ClientCall {
  enum class Kind { kSubmit, kCancel, kGet };
  Kind kind = Kind::kGet;
  int64_t called_us = 0;  ///< BootMicros
  int64_t answered_us = 0;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string job;         ///< asked for, or made by a submit that was answered OK
  std::string request_id;  ///< submit
  std::string body;        ///< submit: the spec as sent
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;  ///< of the job in the answer, as all below
  uint64_t last_sequence = 0;
  bool cancel_requested = false;
};

/// One stream of a watch: from its call to its end.
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
  int64_t wall_minus_boot_us = 0;  ///< turns the server's event times into BootMicros
};

/// Where the threads of a run put what they saw. Any thread.
class HistoryBook {
 public:
  void Add(ClientCall call) {
    const std::lock_guard lock(mutex_);
    history_.calls.push_back(std::move(call));
  }
  void Add(WatchStream stream) {
    const std::lock_guard lock(mutex_);
    history_.streams.push_back(std::move(stream));
  }
  History Take() {
    const std::lock_guard lock(mutex_);
    return std::move(history_);
  }

 private:
  std::mutex mutex_;
  History history_;  // guarded by mutex_
};

}  // namespace vico
