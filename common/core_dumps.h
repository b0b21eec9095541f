// Keeps what a program knows out of files on disk.
#pragma once

#include <sys/resource.h>

namespace vico {

/// For programs that hold keys: this process and its children leave no core dump.
inline void ForbidCoreDumps() {
  constexpr rlimit kNone{0, 0};
  setrlimit(RLIMIT_CORE, &kNone);  // lowering it cannot fail
}

}  // namespace vico
