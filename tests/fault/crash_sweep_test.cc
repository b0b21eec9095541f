// Runs each failpoint with each action: 20 jobs, 3 workers and a server that is restarted. The
// checker must find no violation, and the failpoint must be hit.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/fault/crash_points.h"
#include "tests/fault/fault_run.h"

namespace vico::fault {
namespace {

constexpr double kLeaseSeconds = 1;
constexpr int64_t kLeaseUs = 1'000'000;
constexpr int kSlowStepMs = 20;  // a worker gets SIGTERM in the middle of a training

struct Case {
  CrashPoint point;
  std::string action;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const CrashPoint& point : CrashPoints()) {
    cases.push_back({point, "kill9"});
    cases.push_back({point, fmt::format("error({})", point.error)});
    cases.push_back({point, "sleep(1500)"});
  }
  cases.push_back({{.name = "blob.append", .hit = 12}, "torn(100)"});
  return cases;
}

void PrintTo(const Case& value, std::ostream* out) {
  *out << value.point.name << "=" << value.action;
}

/// Drains the workers in turn, as a rolling restart does, until the run ends.
void DrainWorkers(Arena& arena, const std::stop_token& stop) {
  for (int turn = 0; !stop.stop_requested(); ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    arena.SignalWorker(turn % ArenaOptions().workers, SIGTERM);
  }
}

class CrashSweepTest : public ::testing::TestWithParam<Case> {};

TEST_P(CrashSweepTest, TheCheckerFindsNoViolation) {
  const auto& [point, action] = GetParam();
  FaultRun run;
  const std::string spec = fmt::format("{}={}@{}", point.name, action, point.hit);
  run.arena.lease_seconds = kLeaseSeconds;
  run.arena.server_failpoints = point.in_server ? spec : "";
  run.arena.worker_failpoints = point.in_server ? point.helper : spec;
  run.arena.server_flags = point.server_flags;
  run.jobs = point.jobs;
  if (point.drain_workers) {
    run.arena.step_ms = kSlowStepMs;
    run.disturb = DrainWorkers;
  }
  run.check.lease_us = kLeaseUs;
  const FaultVerdict verdict = PlayRun(run);
  EXPECT_TRUE(verdict.violations.empty()) << verdict.Text();
  EXPECT_TRUE(verdict.Hit(point.name + " " + action)) << "the failpoint was never reached";
  if (HasFailure()) std::fputs(verdict.log.c_str(), stderr);
  std::printf(
      "%s: %d jobs, %d with another attempt, %d answers ABORTED, %d servers, %d workers, "
      "%.1f s\n",
      spec.c_str(), verdict.jobs, verdict.requeued, verdict.aborted, verdict.server_starts,
      verdict.worker_starts, verdict.seconds);
}

INSTANTIATE_TEST_SUITE_P(Points, CrashSweepTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) {
                           std::string name = info.param.point.name + "_" + info.param.action;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace vico::fault
