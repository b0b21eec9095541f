// The script, a power failure at chosen moments, and the checker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fault/power_loss/shadow_disk.h"

namespace vico {

struct PowerLossOptions {
  int jobs = 30;
  int stride = 1;       ///< reordered and torn disks at every so many file calls
  int failed_sync = 0;  ///< the nth sync of the script fails; 0: none
  uint64_t seed = 1;
};

struct PowerLossResult {
  int64_t calls = 0;  ///< of the script
  int syncs = 0;
  int failures = 0;        ///< power failures tried
  bool completed = false;  ///< the script came to its end
  std::vector<std::string> violations;
};

/// Fails the power before each sync and after the last call (everything unsynced is lost: in
/// between nothing else can differ), and at every `stride`th call with unsynced writes kept out of
/// order, and torn. After each the database must open and what was acknowledged must be there.
/// Ends at the first moment that has violations.
PowerLossResult RunPowerLoss(const PowerLossOptions& options);

}  // namespace vico
