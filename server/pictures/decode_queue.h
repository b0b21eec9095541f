// Who decodes a picture next. Decoding takes processor time and memory, so few pictures are decoded
// at once, tenants take turns, and each has a budget of time.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/mutex.h"

namespace vico::server {

struct DecodeLimits {
  int places = 2;  ///< pictures decoded at once; one tenant has one less if there are several
  /// Time in a place that a tenant may use at once, and the part of it that returns in each second.
  absl::Duration budget = absl::Seconds(120);
  double share = 0.5;
};

/// Any thread. Tenants that wait take turns, each in the order of its calls.
class DecodeQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit DecodeQueue(const DecodeLimits& limits) : limits_(limits) {}

  /// The right to decode, until it is destroyed. Movable.
  class Place {
   public:
    Place(Place&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)),
          tenant_(std::move(other.tenant_)),
          since_(other.since_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (queue_ != nullptr) queue_->Leave(tenant_, since_);
    }

   private:
    friend class DecodeQueue;
    Place(DecodeQueue& queue, std::string tenant) : queue_(&queue), tenant_(std::move(tenant)) {}

    DecodeQueue* queue_;
    std::string tenant_;
    Time since_ = std::chrono::steady_clock::now();
  };

  /// Waits for a place, which must not outlive the queue. kDeadlineExceeded, reason
  /// UPLOAD_TOO_SLOW, at `deadline`; kResourceExhausted, reason DECODING_BUDGET, with RetryInfo,
  /// when the tenant has no time left; kUnavailable after Stop().
  absl::StatusOr<Place> Enter(const std::string& tenant, Time deadline);

  /// Ends all waits.
  void Stop();

 private:
  struct Tenant {
    int inside = 0;
    std::deque<uint64_t> waiting;  // tickets
    absl::Duration left;           // of its budget; may be negative
    Time counted;                  // when `left` was computed
  };

  Tenant& Count(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayEnter(const std::string& name, uint64_t ticket) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Dequeue(const std::string& name, uint64_t ticket) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Leave(const std::string& name, Time since);
  void Forget() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DecodeLimits limits_;
  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, Tenant> tenants_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> turns_ ABSL_GUARDED_BY(mutex_);  // tenants that wait, the next one first
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  int inside_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace vico::server
