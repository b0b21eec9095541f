// Power failures at all file calls of a script of 30 jobs, and a failure of each sync of a shorter
// script. VICO_POWER_LOSS_STRIDE sets the number of calls between two disks with reordered writes;
// the default is 3.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/fault/power_loss/power_loss_run.h"

namespace vico::fault {
namespace {

int Stride() {
  const char* value = std::getenv("VICO_POWER_LOSS_STRIDE");
  return value == nullptr ? 3 : std::max(1, std::atoi(value));
}

/// The simulated disks are small and many, so they are in memory if possible.
class PowerLossTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (std::filesystem::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  }
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
};

std::string Text(const PowerLossResult& result) {
  std::string text;
  for (const std::string& violation : result.violations) text += violation + "\n";
  return text;
}

TEST_F(PowerLossTest, NothingAcknowledgedIsLostAtAnyFileCall) {
  const PowerLossResult result = RunPowerLoss({.stride = Stride()});
  EXPECT_TRUE(result.completed);
  EXPECT_TRUE(result.violations.empty()) << Text(result);
  std::printf("30 jobs: %lld file calls, %d syncs, %d power failures, stride %d, %.1f s\n",
              static_cast<long long>(result.calls), result.syncs, result.failures, Stride(),
              Seconds());
}

TEST_F(PowerLossTest, AFailedSyncLosesNothingAcknowledged) {
  int nth = 1;
  int failures = 0;
  for (;; ++nth) {
    const PowerLossResult result = RunPowerLoss({.jobs = 7, .stride = 1 << 20, .failed_sync = nth});
    ASSERT_TRUE(result.violations.empty()) << "sync " << nth << " failed: " << Text(result);
    failures += result.failures;
    if (result.syncs < nth) break;  // the script has fewer syncs
  }
  EXPECT_GT(nth, 30);
  std::printf("7 jobs: each of %d syncs failed once, %d power failures, %.1f s\n", nth - 1,
              failures, Seconds());
}

}  // namespace
}  // namespace vico::fault
