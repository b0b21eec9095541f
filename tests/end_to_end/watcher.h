// A client that watches a job on a thread of its own, for tests that do things meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/lib/client.h"

namespace vico {

class Watcher : private client::WatchHandler {
 public:
  /// From now until the job ends or this goes away.
  Watcher(std::unique_ptr<client::Client> client, std::string job)
      : client_(std::move(client)), thread_([this, job](const std::stop_token& stop) {
          auto last = client_->WatchJob(job, {}, *this, stop);
          const std::lock_guard lock(mutex_);
          last_ = std::move(last);
          changed_.notify_all();
        }) {}

  /// Waits for an event that fits; false when none came before the patience or the watch was over.
  bool WaitFor(const std::function<bool(const v1::Event&)>& fits,
               std::chrono::seconds patience = std::chrono::seconds(60)) {
    std::unique_lock lock(mutex_);
    const auto seen = [&] {
      for (const v1::Event& event : events_) {
        if (fits(event)) return true;
      }
      return false;
    };
    changed_.wait_for(lock, patience, [&] { return last_.has_value() || seen(); });
    return seen();
  }

  bool WaitForStep(std::int64_t step) {
    return WaitFor([step](const v1::Event& event) {
      return event.has_progress() && event.progress().step() >= step;
    });
  }

  /// The job's last event; an error when it does not come in time.
  absl::StatusOr<v1::Event> WaitForEnd(std::chrono::seconds patience = std::chrono::seconds(180)) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return last_.has_value(); });
    return last_.value_or(absl::DeadlineExceededError("the job did not end"));
  }

  std::vector<v1::Event> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  absl::Status OnEvent(const v1::Event& event, const std::string* /*bytes*/) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
    return absl::OkStatus();
  }

  std::unique_ptr<client::Client> client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<v1::Event> events_;
  std::optional<absl::StatusOr<v1::Event>> last_;
  std::jthread thread_;  // last: it uses the others
};

/// Whether the sequence numbers are 1, 2, 3, …
inline bool AreDense(const std::vector<v1::Event>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].sequence() != i + 1) return false;
  }
  return true;
}

}  // namespace vico
