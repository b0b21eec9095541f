// Power loss at every file call of a script of 30 jobs, and a failed sync at every sync of a
// shorter one. VICO_POWER_LOSS_STRIDE sets how many calls lie between two failures with writes kept
// out of order (3 when it is not set).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/fault/power_loss/power_loss_run.h"

namespace vico {
namespace {

int Stride() {
  const char* value = std::getenv("VICO_POWER_LOSS_STRIDE");
  return value == nullptr ? 3 : std::max(1, std::atoi(value));
}

/// The disks are small and many: in memory where that is possible.
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

std::string Say(const PowerLossResult& result) {
  std::string text;
  for (const std::string& violation : result.violations) text += violation + "\n";
  return text;
}

TEST_F(PowerLossTest, NothingAcknowledgedIsLostAtAnyFileCall) {
  const PowerLossResult result = RunPowerLoss({.stride = Stride()});
  EXPECT_TRUE(result.completed);
  EXPECT_TRUE(result.violations.empty()) << Say(result);
  std::printf("30 jobs: %lld file calls, %d syncs, %d power failures, stride %d, %.1f s\n",
              static_cast<long long>(result.calls), result.syncs, result.failures, Stride(),
              Seconds());
}

TEST_F(PowerLossTest, AFailedSyncLosesNothingAcknowledged) {
  int nth = 1;
  int failures = 0;
  for (;; ++nth) {
    const PowerLossResult result = RunPowerLoss({.jobs = 7, .stride = 1 << 20, .failed_sync = nth});
    ASSERT_TRUE(result.violations.empty()) << "sync " << nth << " failed: " << Say(result);
    failures += result.failures;
    if (result.syncs < nth) break;  // the script had no such sync: all have been tried
  }
  EXPECT_GT(nth, 30);
  std::printf("7 jobs: each of %d syncs failed once, %d power failures, %.1f s\n", nth - 1,
              failures, Seconds());
}

}  // namespace
}  // namespace vico
