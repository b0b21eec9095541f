// A client that watches a job on its own thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/lib/client.h"
#include "common/mutex.h"

namespace vico::end_to_end {

class Watcher : private client::WatchHandler {
 public:
  /// Watches until the job ends or the destructor runs.
  Watcher(std::unique_ptr<client::Client> client, std::string job)
      : client_(std::move(client)), thread_([this, job](const std::stop_token& stop) {
          auto last = client_->WatchJob(job, {}, *this, stop);
          const MutexLock lock(mutex_);
          last_ = std::move(last);
          changed_.NotifyAll();
        }) {}

  /// Waits for an event that matches. False if the watch or the time ended first.
  bool WaitFor(const std::function<bool(const v1::Event&)>& matches,
               std::chrono::seconds patience = std::chrono::seconds(60)) {
    const MutexLock lock(mutex_);
    const auto received = [&] {
      mutex_.AssertHeld();
      return std::any_of(events_.begin(), events_.end(), matches);
    };
    changed_.WaitFor(mutex_, patience, [&] {
      mutex_.AssertHeld();
      return last_.has_value() || received();
    });
    return received();
  }

  bool WaitForStep(std::int64_t step) {
    return WaitFor([step](const v1::Event& event) {
      return event.has_progress() && event.progress().step() >= step;
    });
  }

  /// The job's last event; kDeadlineExceeded if it does not arrive in time.
  absl::StatusOr<v1::Event> WaitForEnd(std::chrono::seconds patience = std::chrono::seconds(180)) {
    const MutexLock lock(mutex_);
    changed_.WaitFor(mutex_, patience, [&] {
      mutex_.AssertHeld();
      return last_.has_value();
    });
    return last_.value_or(absl::DeadlineExceededError("the job did not end"));
  }

  std::vector<v1::Event> events() {
    const MutexLock lock(mutex_);
    return events_;
  }

 private:
  absl::Status OnEvent(const v1::Event& event, const std::string* /*bytes*/) override {
    const MutexLock lock(mutex_);
    events_.push_back(event);
    changed_.NotifyAll();
    return absl::OkStatus();
  }

  std::unique_ptr<client::Client> client_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<v1::Event> events_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::StatusOr<v1::Event>> last_ ABSL_GUARDED_BY(mutex_);
  std::jthread thread_;  // last member, since the thread uses the others
};

/// Whether the sequence numbers are 1, 2, 3, …
inline bool AreConsecutive(const std::vector<v1::Event>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].sequence() != i + 1) return false;
  }
  return true;
}

}  // namespace vico::end_to_end
