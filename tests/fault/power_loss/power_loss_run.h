// Runs the script, simulates power failures, and checks what is left on the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/disk/files.h"
#include "tests/fault/power_loss/shadow_disk.h"

namespace vico::fault {

struct PowerLossOptions {
  int jobs = 30;
  int stride = 1;       ///< file calls between two disks with reordered and torn writes
  int failed_sync = 0;  ///< the nth sync of the script fails; 0: none
  uint64_t seed = 1;
  /// Wraps the files that the script writes, to plant a defect; none if left out.
  std::function<std::unique_ptr<server::Files>(server::Files&)> wrap_files{};
};

struct PowerLossResult {
  int64_t calls = 0;  ///< file calls of the script
  int syncs = 0;
  int failures = 0;        ///< simulated power failures
  bool completed = false;  ///< whether the script ran to its end
  std::vector<std::string> violations;
};

/// Simulates a power failure before each sync and after the last call, where all unsynced writes
/// are lost (between two syncs the result is the same), and at every `stride`th call, where
/// unsynced writes are kept out of order or torn. After each failure the database must open and
/// contain what was acknowledged. Returns after the first failure with violations.
PowerLossResult RunPowerLoss(const PowerLossOptions& options);

}  // namespace vico::fault
