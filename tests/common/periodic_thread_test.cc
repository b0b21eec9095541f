#include "common/periodic_thread.h"

#include <atomic>
#include <future>

#include <gmock/gmock.h>

namespace vico {
namespace {

TEST(PeriodicThreadTest, WorkIsRepeated) {
  std::promise<void> third;
  int runs = 0;
  {
    PeriodicThread thread(absl::Milliseconds(1), [&] {
      if (++runs == 3) third.set_value();
    });
    third.get_future().wait();
  }
  EXPECT_GE(runs, 3);
}

TEST(PeriodicThreadTest, WakeEndsThePause) {
  std::promise<void> ran;
  PeriodicThread thread(absl::Hours(1), [&] { ran.set_value(); });
  thread.Wake();
  ran.get_future().wait();
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
