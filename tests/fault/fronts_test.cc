// Three servers on one PostgreSQL database and one bucket, behind nginx or HAProxy: the checker
// must find no violation while servers, workers, the database and the bucket fail.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/fault/fault_run.h"

namespace vico::fault {
namespace {

using std::chrono::milliseconds;

constexpr int kServers = 3;
constexpr int kWorkers = 4;

FaultRun ThreeServers() {
  FaultRun run;
  run.arena.servers = kServers;
  run.arena.shared = std::make_shared<SharedStore>();
  run.arena.workers = kWorkers;
  run.arena.step_ms = 20;
  run.jobs = 120;
  run.patience_seconds = 55;
  run.check.lease_us = 1'000'000;
  return run;
}

void Rest(const std::stop_token& stop, milliseconds time) {
  for (; time.count() > 0 && !stop.stop_requested(); time -= milliseconds(20)) {
    std::this_thread::sleep_for(milliseconds(20));
  }
}

void ExpectNoViolation(const FaultRun& run) {
  const FaultVerdict verdict = PlayRun(run);
  EXPECT_TRUE(verdict.violations.empty()) << verdict.Text();
  EXPECT_EQ(FailuresText(verdict), "none");
  if (testing::Test::HasFailure()) std::fputs(verdict.log.c_str(), stderr);
  std::printf("three servers: %d jobs, %d with another attempt, %d servers, %d workers, %.1f s\n",
              verdict.jobs, verdict.requeued, verdict.server_starts, verdict.worker_starts,
              verdict.seconds);
}

class FrontsTest : public testing::TestWithParam<ProxyProgram> {};

TEST_P(FrontsTest, NothingIsLostWhileEachPartFails) {
  FaultRun run = ThreeServers();
  run.arena.proxy = GetParam();
  run.disturb = [](Arena& arena, const std::stop_token& stop) {
    for (int turn = 0; !stop.stop_requested(); ++turn) {
      Rest(stop, milliseconds(700));
      switch (turn % 6) {
        case 0:
          arena.KillServer(turn / 6 % kServers);
          break;
        case 1:
          arena.KillWorker(turn / 6 % kWorkers);
          break;
        case 2:
          arena.SignalServer(SIGTERM, (turn / 6 + 1) % kServers);
          break;
        case 3:
          arena.shared()->KillDatabase(milliseconds(200));
          break;
        case 4:
          arena.shared()->TakeBucketAway(SharedStore::Outage::kAway, milliseconds(400));
          break;
        default:
          arena.shared()->TakeBucketAway(SharedStore::Outage::kBusy, milliseconds(400));
      }
    }
  };
  ExpectNoViolation(run);
}

INSTANTIATE_TEST_SUITE_P(Proxies, FrontsTest,
                         testing::Values(ProxyProgram::kNginx, ProxyProgram::kHaproxy),
                         [](const auto& info) {
                           return info.param == ProxyProgram::kNginx ? "nginx" : "haproxy";
                         });

TEST(WrongClockTest, AServerWithAWrongClockHarmsNothing) {
  FaultRun run = ThreeServers();
  run.arena.wrong_clock = std::chrono::hours(1);
  run.disturb = [](Arena& arena, const std::stop_token& stop) {
    // Each worker in turn: a job that lost three workers would fail.
    for (int turn = 0; !stop.stop_requested(); ++turn) {
      Rest(stop, milliseconds(1500));
      arena.KillWorker(turn % kWorkers);
      arena.KillServer(0);
    }
  };
  ExpectNoViolation(run);
}

TEST(LongOutageTest, NothingIsLostWhileTheDatabaseIsAwayFor20Seconds) {
  FaultRun run = ThreeServers();
  run.jobs = 200;
  run.patience_seconds = 120;
  run.disturb = [](Arena& arena, const std::stop_token& stop) {
    Rest(stop, milliseconds(3000));
    arena.shared()->KillDatabase(std::chrono::seconds(20));
  };
  ExpectNoViolation(run);
}

}  // namespace
}  // namespace vico::fault
