// Whether a remote store answers: a small object is stored, read and removed from time to time.
#pragma once

#include <memory>

#include <absl/status/status.h>

#include "common/log.h"
#include "common/mutex.h"
#include "common/periodic_thread.h"
#include "server/objects/object_store.h"

namespace vico::server {

/// Any thread, except Start(), Stop() and the destructor. Does nothing for a store that is not
/// remote.
class ObjectProbe {
 public:
  /// `objects` must outlive it.
  ObjectProbe(ObjectStore& objects, const Log& log) : objects_(objects), log_(log) {}

  /// Starts the thread that calls Try() every 15 s, and ends it.
  void Start();
  void Stop() { thread_.reset(); }

  /// OK, or the error of the last Try().
  absl::Status Now() const;

  void Try();

 private:
  ObjectStore& objects_;
  const Log log_;
  mutable Mutex mutex_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace vico::server
