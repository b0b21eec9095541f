// Paused processes and network faults: the checker finds no violation.
#include <chrono>
#include <cstdio>
#include <thread>

#include <gtest/gtest.h>

#include "tests/fault/fault_run.h"

namespace vico::fault {
namespace {

using std::chrono::milliseconds;

FaultRun ShortRun() {
  FaultRun run;
  run.check.lease_us = 1'000'000;
  return run;
}

void ExpectNoViolation(const FaultVerdict& verdict) {
  EXPECT_TRUE(verdict.violations.empty()) << verdict.Text();
  std::printf("%d jobs, %d with another attempt, %d answers ABORTED, %.1f s\n", verdict.jobs,
              verdict.requeued, verdict.aborted, verdict.seconds);
}

TEST(PauseTest, ALateFinishGetsAborted) {
  FaultRun run = ShortRun();
  run.arena.step_ms = 150;
  run.cancel_every = 0;  // a cancelled job has no second attempt
  run.arena.worker_failpoints = "result.before_finish=sleep(1600)@1";
  const FaultVerdict verdict = PlayRun(run);
  ExpectNoViolation(verdict);
  EXPECT_GE(verdict.aborted, 1);
  EXPECT_GE(verdict.requeued, 1);
}

TEST(PauseTest, WorkersStoppedForLongerThanTheirLeasesBreakNothing) {
  FaultRun run = ShortRun();
  run.arena.step_ms = 100;
  run.cancel_every = 0;
  const int workers = run.arena.workers;
  run.disturb = [workers](Arena& arena, const std::stop_token&) {
    std::this_thread::sleep_for(milliseconds(1500));
    // All of them: one alone may have no job at this moment.
    for (int worker = 0; worker < workers; ++worker) arena.SignalWorker(worker, SIGSTOP);
    std::this_thread::sleep_for(milliseconds(2000));
    for (int worker = 0; worker < workers; ++worker) arena.SignalWorker(worker, SIGCONT);
  };
  const FaultVerdict verdict = PlayRun(run);
  ExpectNoViolation(verdict);
  EXPECT_GE(verdict.requeued, 1);
}

TEST(PauseTest, AServerThatWasStoppedExtendsAllLeases) {
  FaultRun run = ShortRun();
  run.arena.step_ms = 100;
  int64_t woke = 0;
  run.disturb = [&](Arena& arena, const std::stop_token&) {
    std::this_thread::sleep_for(milliseconds(1500));
    arena.SignalServer(SIGSTOP);
    std::this_thread::sleep_for(milliseconds(2500));
    woke = BootMicros();
    arena.SignalServer(SIGCONT);
  };
  const FaultVerdict verdict = PlayRun(run);
  ExpectNoViolation(verdict);
  EXPECT_NE(verdict.log.find("the server stood still"), std::string::npos);
  for (const int64_t returned : verdict.returns_us) {
    const bool after = returned > woke;
    EXPECT_TRUE(!after || returned > woke + 900'000) << (returned - woke) / 1000 << " ms";
  }
}

class ProxyTest : public ::testing::TestWithParam<ProxyFaults> {};

TEST_P(ProxyTest, NetworkFaultsBreakNothing) {
  FaultRun run = ShortRun();
  run.arena.worker_proxy = std::make_shared<TcpProxy>(GetParam());
  const FaultVerdict verdict = PlayRun(run);
  ExpectNoViolation(verdict);
  std::printf(
      "proxy: %d connections, %lld bytes, %d broken\n", run.arena.worker_proxy->connections(),
      static_cast<long long>(run.arena.worker_proxy->bytes()), run.arena.worker_proxy->faults());
  EXPECT_GT(run.arena.worker_proxy->bytes(), 10'000);
  if (GetParam().cut_after_bytes > 0 || GetParam().half_close_after_bytes > 0) {
    EXPECT_GT(run.arena.worker_proxy->faults(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, ProxyTest,
                         ::testing::Values(ProxyFaults{.cut_after_bytes = 80'000},
                                           ProxyFaults{.delay = milliseconds(20)},
                                           ProxyFaults{.slice_bytes = 7},
                                           ProxyFaults{.half_close_after_bytes = 60'000}));

TEST(PartitionTest, WorkersContinueAfterAPartitionThatOutlastsTheLease) {
  FaultRun run = ShortRun();
  run.arena.step_ms = 50;
  const auto proxy = std::make_shared<TcpProxy>(ProxyFaults{});
  run.arena.worker_proxy = proxy;
  run.disturb = [&](Arena&, const std::stop_token&) {
    std::this_thread::sleep_for(milliseconds(1500));
    proxy->Partition(true);
    std::this_thread::sleep_for(milliseconds(1600));
    proxy->Partition(false);
  };
  ExpectNoViolation(PlayRun(run));
}

}  // namespace
}  // namespace vico::fault
