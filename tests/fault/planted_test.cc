// Tests of the fault runs: each planted defect must cause a violation in the run meant for its
// kind, and the same run without the defect must have none.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/fault/collected_blob.h"
#include "tests/fault/defects/defective_files.h"
#include "tests/fault/defects/relaxed_sync.h"
#include "tests/fault/fault_run.h"
#include "tests/fault/power_loss/power_loss_run.h"

namespace vico::fault {
namespace {

struct Defect {
  std::string name;
  std::function<Violations(const std::string& defect)> run;  ///< an empty name plants nothing
};

Violations ByFaultRun(FaultRun run, const std::string& defect) {
  run.arena.defect = defect;
  run.check.lease_us = 1'000'000;
  return PlayRun(run).violations;
}

Violations PowerLoss(const std::string& defect, PowerLossOptions options) {
  std::optional<RelaxedSync> relaxed;
  if (defect == "synchronous_normal") relaxed.emplace();
  options.wrap_files = [&](server::Files& files) {
    return std::make_unique<DefectiveFiles>(files, defect);
  };
  return RunPowerLoss(options).violations;
}

/// Clients make every kind of call, and the server is killed once.
Violations KilledServer(const std::string& defect) {
  FaultRun run;
  run.arena.server_failpoints = "submit.after_commit=kill9@6";
  run.patience_seconds = 20;
  return ByFaultRun(std::move(run), defect);
}

/// The server stores a report and answers with an error. Some reports contain nothing that could be
/// stored twice, so the test tries several.
Violations AppliedThenError(const std::string& defect) {
  for (const int nth : {7, 11, 15, 19}) {
    FaultRun run;
    run.arena.server_failpoints = fmt::format("report.after_commit=applied_then_error@{}", nth);
    run.patience_seconds = 20;
    Violations found = ByFaultRun(std::move(run), defect);
    if (!found.empty()) return found;
  }
  return {};
}

/// Few jobs, long enough that another worker runs the job when a late worker continues.
FaultRun SlowJobs(const std::string& worker_failpoints) {
  FaultRun run;
  run.arena.worker_failpoints = worker_failpoints;
  run.arena.step_ms = 200;
  run.jobs = 3;
  run.submitters = 1;
  run.cancel_every = 0;
  return run;
}

Violations LateFinish(const std::string& defect) {
  return ByFaultRun(SlowJobs("result.before_finish=sleep(1600)@1"), defect);
}

Violations LateReport(const std::string& defect) {
  return ByFaultRun(SlowJobs("report.before_send=sleep(1600)@4"), defect);
}

/// A report arrives after housekeeping has found its lease expired and before it ends the lease.
Violations ReportDuringHousekeeping(const std::string& defect) {
  FaultRun run = SlowJobs("report.before_send=sleep(1150)@4");
  run.arena.server_failpoints = "housekeeping.between_rows=sleep(600)@1";
  return ByFaultRun(std::move(run), defect);
}

/// Many concurrent submits to a queue that fills up and that no worker empties. One of them waits
/// between the check of the limit and the insertion, where a defect separates the two.
Violations FullQueue(const std::string& defect) {
  FaultRun run;
  run.arena.server_failpoints = "submit.quota_checked=sleep(3000)@95";
  run.arena.workers = 1;
  run.arena.step_ms = 30'000;
  run.arena.defect = defect;
  run.jobs = 130;
  run.submitters = 26;
  run.watchers = 0;
  run.cancel_every = 0;
  run.patience_seconds = 8;
  run.all_acknowledged = false;
  run.check = {.all_ended = false, .queued_per_tenant = 100};
  return PlayRun(run).violations;
}

Violations PowerFails(const std::string& defect) { return PowerLoss(defect, {.stride = 7}); }

/// One sync fails.
Violations SyncFails(const std::string& defect) {
  for (int nth = 1; nth <= 40; ++nth) {
    Violations found = PowerLoss(defect, {.jobs = 7, .stride = 1 << 20, .failed_sync = nth});
    if (!found.empty()) return found;
  }
  return {};
}

std::vector<Defect> Defects() {
  return {
      {"finish_without_guard", LateFinish},
      {"match_by_id_only", LateReport},
      {"reply_before_commit", KilledServer},
      {"row_before_blob", PowerFails},
      {"no_folder_sync", PowerFails},
      {"synchronous_normal", PowerFails},
      {"retry_failed_sync", SyncFails},
      {"housekeeping_without_recheck", ReportDuringHousekeeping},
      {"applied_then_error_is_failure", AppliedThenError},
      {"watch_restarts_at_0", KilledServer},
      {"quota_outside_transaction", FullQueue},
      {"blob_unlinked_early", ReferenceCollectedBlob},
  };
}

void PrintTo(const Defect& defect, std::ostream* out) { *out << defect.name; }

class PlantedTest : public ::testing::TestWithParam<Defect> {
 protected:
  static void SetUpTestSuite() {
    if (std::filesystem::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  }
};

TEST_P(PlantedTest, IsCaught) {
  const Violations found = GetParam().run(GetParam().name);
  ASSERT_FALSE(found.empty()) << "no violation with the defect " << GetParam().name;
  std::printf("%s: caught: %s\n", GetParam().name.c_str(), found.front().c_str());
}

TEST_P(PlantedTest, WithoutTheDefectThereIsNoViolation) {
  const Violations found = GetParam().run("");
  std::string all;
  for (const std::string& violation : found) all += violation + "\n";
  EXPECT_TRUE(found.empty()) << all;
}

INSTANTIATE_TEST_SUITE_P(Defects, PlantedTest, ::testing::ValuesIn(Defects()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace vico::fault
