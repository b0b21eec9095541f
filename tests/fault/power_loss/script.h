// The script of the power loss tests: it runs jobs on the real stores and records what was
// acknowledged after which file call.
#pragma once

#include <functional>
#include <string>

#include "server/disk/files.h"
#include "tests/fault/history/history.h"
#include "tests/fault/power_loss/shadow_disk.h"

namespace vico::fault {

/// Runs to its end or to the first error of the stores. `root` must be empty. Times in the history
/// are numbers of calls of `disk`.
History RunScript(DiskRecorder& disk, server::Files& files, const std::string& root, int jobs);

/// The part of the history before call `count`. A call without an answer by then has an unknown
/// result.
History Until(const History& history, int64_t count);

}  // namespace vico::fault
