#include "common/periodic_thread.h"

#include <atomic>
#include <chrono>
#include <future>

#include <gmock/gmock.h>

namespace vico {
namespace {

constexpr std::chrono::seconds kDeadline{60};

TEST(PeriodicThreadTest, WorkIsRepeated) {
  std::promise<void> third;
  int runs = 0;
  PeriodicThread thread(absl::Milliseconds(1), [&] {
    if (++runs == 3) third.set_value();
  });
  EXPECT_EQ(third.get_future().wait_for(kDeadline), std::future_status::ready);
}

TEST(PeriodicThreadTest, WakeEndsThePause) {
  std::promise<void> ran;
  PeriodicThread thread(absl::Hours(1), [&] { ran.set_value(); });
  thread.Wake();
  EXPECT_EQ(ran.get_future().wait_for(kDeadline), std::future_status::ready);
}

TEST(PeriodicThreadTest, TheDestructorStartsNoRun) {
  std::atomic<int> runs{0};
  {
    PeriodicThread thread(absl::Hours(1), [&] { ++runs; });
  }
  EXPECT_EQ(runs, 0);
}

}  // namespace
}  // namespace vico
