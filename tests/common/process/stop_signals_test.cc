#include "common/process/stop_signals.h"

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vico {
namespace {

/// Sends the signal to this process and waits for the request; false after ten seconds.
bool StopsAfter(const StopSignals& signals, int signal) {
  kill(getpid(), signal);
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any stopped;
  stopped.wait_for(lock, signals.token(), std::chrono::seconds(10), [] { return false; });
  return signals.token().stop_requested();
}

// Each runs in a process of its own: these end it.
TEST(StopSignalsDeathTest, ASignalRequestsAStop) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          int code = 9;
          {
            const StopSignals signals;
            code = StopsAfter(signals, signal) ? 0 : 8;
          }
          std::_Exit(code);
        },
        testing::ExitedWithCode(0), "");
  }
}

TEST(StopSignalsDeathTest, ASignalToAnOlderThreadRequestsAStop) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        std::thread older([] { std::this_thread::sleep_for(std::chrono::seconds(30)); });
        const pthread_t id = older.native_handle();
        older.detach();
        const StopSignals signals;
        pthread_kill(id, SIGTERM);
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any stopped;
        stopped.wait_for(lock, signals.token(), std::chrono::seconds(10), [] { return false; });
        std::_Exit(signals.token().stop_requested() ? 0 : 8);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopSignalsDeathTest, ASecondSignalEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const StopSignals signals;
        if (StopsAfter(signals, SIGTERM)) kill(getpid(), SIGTERM);
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable never;
        never.wait_for(lock, std::chrono::seconds(10), [] { return false; });
        std::_Exit(7);
      },
      testing::ExitedWithCode(1), "");
}

TEST(StopSignalsDeathTest, WithoutASignalNothingHappens) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        bool stopped = true;
        {
          const StopSignals signals;
          stopped = signals.token().stop_requested();
        }
        std::_Exit(stopped ? 8 : 0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace vico
