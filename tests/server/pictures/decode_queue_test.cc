#include "server/pictures/decode_queue.h"

#include <algorithm>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "common/status.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point Soon(double seconds = 60) {
  return Clock::now() + std::chrono::milliseconds(static_cast<int>(1000 * seconds));
}

/// Calls of several tenants that wait in one queue, each on a thread, and leave at once.
class Waiters {
 public:
  explicit Waiters(DecodeQueue& queue) : queue_(queue) {}
  ~Waiters() { Join(); }

  /// Returns when the call has begun to wait, or has had its place.
  void Add(const std::string& tenant) {
    std::promise<void> started;
    threads_.emplace_back([this, tenant, &started] {
      started.set_value();
      const auto place = queue_.Enter(tenant, Soon());
      EXPECT_THAT(place.status(), IsOk());
      const std::lock_guard lock(mutex_);
      order_.push_back(tenant);
    });
    started.get_future().wait();
    // The thread enters a queue that is held by the test's place; order within a tenant does not
    // matter here.
    std::this_thread::yield();
  }

  std::vector<std::string> Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return order_;
  }

 private:
  DecodeQueue& queue_;
  std::mutex mutex_;
  std::vector<std::string> order_;
  std::vector<std::thread> threads_;
};

TEST(DecodeQueueTest, ATenantDoesNotTakeAllPlaces) {
  DecodeQueue queue({.places = 2});
  const auto first = queue.Enter("loud", Soon());
  ASSERT_THAT(first.status(), IsOk());
  EXPECT_THAT(queue.Enter("loud", Soon(0.05)).status(), HasReason("UPLOAD_TOO_SLOW"));
  EXPECT_THAT(queue.Enter("quiet", Soon()).status(), IsOk());
}

TEST(DecodeQueueTest, PlacesAreLimited) {
  DecodeQueue queue({.places = 2});
  const auto first = queue.Enter("a", Soon());
  {
    const auto second = queue.Enter("b", Soon());
    ASSERT_THAT(second.status(), IsOk());
    const auto third = queue.Enter("c", Soon(0.05));
    EXPECT_THAT(third.status(), HasCode(absl::StatusCode::kDeadlineExceeded));
  }
  EXPECT_THAT(queue.Enter("c", Soon()).status(), IsOk());
}

TEST(DecodeQueueTest, TheOnlyPlaceIsForEveryTenant) {
  DecodeQueue queue({.places = 1});
  EXPECT_THAT(queue.Enter("a", Soon()).status(), IsOk());
  EXPECT_THAT(queue.Enter("a", Soon()).status(), IsOk());
}

TEST(DecodeQueueTest, TenantsTakeTurns) {
  DecodeQueue queue({.places = 1});
  std::optional<absl::StatusOr<DecodeQueue::Place>> held(queue.Enter("held", Soon()));
  ASSERT_THAT(held->status(), IsOk());
  Waiters waiters(queue);
  for (int i = 0; i < 20; ++i) waiters.Add("loud");
  waiters.Add("quiet");
  // All wait once a call that came later has waited in vain.
  EXPECT_THAT(queue.Enter("last", Soon(0.2)).status(), HasReason("UPLOAD_TOO_SLOW"));
  held.reset();
  const std::vector<std::string> order = waiters.Join();
  ASSERT_EQ(order.size(), 21u);
  const auto quiet = std::find(order.begin(), order.end(), "quiet") - order.begin();
  EXPECT_LE(quiet, 2) << "one of the other tenant's pictures may be before it, and one beside it";
}

TEST(DecodeQueueTest, ATenantThatUsedItsTimeIsRefused) {
  DecodeQueue queue({.places = 2, .budget = absl::Milliseconds(20), .share = 0.001});
  {
    const auto place = queue.Enter("loud", Soon());
    ASSERT_THAT(place.status(), IsOk());
    const auto until = Clock::now() + std::chrono::milliseconds(30);
    while (Clock::now() < until) std::this_thread::yield();
  }
  const absl::Status refused = queue.Enter("loud", Soon()).status();
  EXPECT_THAT(refused, HasReason("DECODING_BUDGET"));
  EXPECT_GT(RetryAfter(refused), absl::Seconds(10));
  EXPECT_THAT(queue.Enter("quiet", Soon()).status(), IsOk());
}

TEST(DecodeQueueTest, TheTimeReturns) {
  DecodeQueue queue({.places = 2, .budget = absl::Milliseconds(1), .share = 1});
  const auto use = [&]() -> absl::Status {
    const auto place = queue.Enter("loud", Soon());
    if (!place.ok()) return place.status();
    const auto until = Clock::now() + std::chrono::milliseconds(5);
    while (Clock::now() < until) std::this_thread::yield();
    return absl::OkStatus();
  };
  ASSERT_THAT(use(), IsOk());
  EXPECT_THAT(use(), HasReason("DECODING_BUDGET"));
  const auto until = Soon();
  while (!use().ok() && Clock::now() < until) std::this_thread::yield();
  EXPECT_LT(Clock::now(), until);
}

TEST(DecodeQueueTest, StopEndsAllWaits) {
  DecodeQueue queue({.places = 1});
  const auto held = queue.Enter("a", Soon());
  auto waiting = std::async(std::launch::async, [&] { return queue.Enter("b", Soon()).status(); });
  queue.Stop();
  EXPECT_THAT(waiting.get(), HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vico::server
