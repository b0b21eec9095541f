// Ends calls whose answer the peer does not take. gRPC keeps an answer for as long as the peer's
// flow-control window is closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "common/mutex.h"

namespace vico::server {

/// Any thread may call any method.
class OpenAnswers {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// One answer that gRPC has not sent completely.
  class Entry;

  /// `time` is the longest time that an answer may take.
  explicit OpenAnswers(std::chrono::milliseconds time) : time_(time) {}

  /// `cancel` ends the call at once. It is not called after Remove(), which it may cause.
  std::shared_ptr<Entry> Add(std::function<void()> cancel, Time now);

  /// gRPC is done with the call. Waits for a `cancel` that another thread is in.
  void Remove(const std::shared_ptr<Entry>& entry);

  /// Cancels the calls of all answers that have taken too long.
  void CancelOverdue(Time now);

  size_t size() const;

 private:
  const std::chrono::milliseconds time_;
  mutable Mutex mutex_;
  std::list<std::shared_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);  // the oldest first
};

class OpenAnswers::Entry {
 private:
  friend class OpenAnswers;

  // Recursive, since gRPC may report the end of the call on the thread that cancels it.
  std::recursive_mutex cancelling_;
  std::function<void()> cancel_;  // null when gRPC is done
  Time since_{};
  // Guarded by the mutex of OpenAnswers.
  bool listed_ = true;
  std::list<std::shared_ptr<Entry>>::iterator place_;
};

}  // namespace vico::server
