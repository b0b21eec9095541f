// A VFS over SQLite's default one that records the changes of files in a DiskRecorder.
#pragma once

#include <string>

#include "tests/fault/power_loss/shadow_disk.h"

namespace vico::fault {

/// While it exists, changes of databases and their logs below `root` are recorded in `disk` and not
/// synced on the real disk. All other files are handled by the default VFS. One at a time in a
/// process.
class ShadowVfs {
 public:
  ShadowVfs(DiskRecorder& disk, const std::string& root);
  ~ShadowVfs();
  ShadowVfs(const ShadowVfs&) = delete;
  ShadowVfs& operator=(const ShadowVfs&) = delete;
};

}  // namespace vico::fault
