// Thirty jobs' life on the real stores, and what was acknowledged of it at which file call.
#pragma once

#include <functional>
#include <string>

#include "server/disk/files.h"
#include "tests/fault/history.h"
#include "tests/fault/power_loss/shadow_disk.h"

namespace vico {

/// Runs until it ends or until the database refuses to go on. `root` must be empty. Times in the
/// history are counts of `disk`'s calls.
History RunScript(DiskRecorder& disk, server::Files& files, const std::string& root, int jobs);

/// What was acknowledged, and what was asked, after so many calls: an answer that had not come yet
/// is unknown.
History Until(const History& history, int64_t count);

}  // namespace vico
