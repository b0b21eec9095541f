// SQLite's files, written down for a power failure: a VFS over the default one.
#pragma once

#include <string>

#include "tests/fault/power_loss/shadow_disk.h"

namespace vico {

/// While it lives, databases and their logs below `root` are written down in `disk` (and never
/// really synced); all other files go to the VFS below. One at a time in a process.
class ShadowVfs {
 public:
  ShadowVfs(DiskRecorder& disk, const std::string& root);
  ~ShadowVfs();
  ShadowVfs(const ShadowVfs&) = delete;
  ShadowVfs& operator=(const ShadowVfs&) = delete;
};

}  // namespace vico
