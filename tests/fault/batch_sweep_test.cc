// Each failpoint on the way of a generation, while workers hold four generations and a training at
// once. The checker must find no violation, the failpoint must be hit, and an engine that dies
// costs no job an attempt.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/fault/fault_run.h"

namespace vico::fault {
namespace {

constexpr int kBatchJobs = 4;
constexpr int kBatchHit = 9;  // more than the jobs of a batch
constexpr int64_t kBatchLeaseUs = 1'000'000;

struct BatchCase {
  std::string point;
  bool in_server = false;
  std::string action;
};

std::vector<BatchCase> BatchCases() {
  std::vector<BatchCase> cases;
  for (const char* point : {"lease.after_commit", "report.after_commit", "finish.before_commit",
                            "finish.after_commit"}) {
    cases.push_back({point, true, "kill9"});
    cases.push_back({point, true, "error(UNAVAILABLE)"});
  }
  for (const char* point : {"after_lease", "report.before_send", "result.mid_upload",
                            "generate.mid_image", "result.before_finish", "finish.reply_lost"}) {
    cases.push_back({point, false, "kill9"});
    cases.push_back({point, false, "error(UNAVAILABLE)"});
    cases.push_back({point, false, "sleep(1500)"});
  }
  cases.push_back({"engine.mid_step", false, "kill9"});
  return cases;
}

void PrintTo(const BatchCase& value, std::ostream* out) {
  *out << value.point << "=" << value.action;
}

FaultRun BatchRun() {
  FaultRun run;
  run.arena.workers = 2;
  run.arena.batch_jobs = kBatchJobs;
  run.arena.step_ms = 30;
  run.arena.lease_seconds = 1;
  run.jobs = 40;
  run.submitters = 10;
  run.check.lease_us = kBatchLeaseUs;
  return run;
}

void ExpectCorrect(const FaultVerdict& verdict, const std::string& hit) {
  EXPECT_TRUE(verdict.violations.empty()) << verdict.Text();
  EXPECT_TRUE(verdict.Hit(hit)) << "the failpoint was never reached";
  EXPECT_GE(verdict.most_held, kBatchJobs);
  if (testing::Test::HasFailure()) std::fputs(verdict.log.c_str(), stderr);
  std::printf("%s: %d jobs, %d at once, %d with another attempt, failed: %s, %.1f s\n", hit.c_str(),
              verdict.jobs, verdict.most_held, verdict.requeued, FailuresText(verdict).c_str(),
              verdict.seconds);
}

class BatchSweepTest : public ::testing::TestWithParam<BatchCase> {};

TEST_P(BatchSweepTest, TheCheckerFindsNoViolation) {
  const auto& [point, in_server, action] = GetParam();
  FaultRun run = BatchRun();
  const std::string spec = fmt::format("{}={}@{}", point, action, kBatchHit);
  (in_server ? run.arena.server_failpoints : run.arena.worker_failpoints) = spec;
  ExpectCorrect(PlayRun(run), point + " " + action);
}

INSTANTIATE_TEST_SUITE_P(Points, BatchSweepTest, ::testing::ValuesIn(BatchCases()),
                         [](const auto& info) {
                           std::string name = info.param.point + "_" + info.param.action;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST(BatchEngineTest, AnEngineThatDiesWithABatchCostsNoJobAnAttempt) {
  FaultRun run = BatchRun();
  run.arena.worker_failpoints = "engine.mid_step=error(UNAVAILABLE)@30";
  const FaultVerdict verdict = PlayRun(run);
  ExpectCorrect(verdict, "engine.mid_step error(UNAVAILABLE)");
  EXPECT_EQ(verdict.requeued, 0);
  EXPECT_TRUE(verdict.failed.empty());
}

}  // namespace
}  // namespace vico::fault
