// Switches core dumps off.
#pragma once

#include <sys/resource.h>

namespace vico {

/// This process and its children write no core dumps, which could contain keys.
inline void ForbidCoreDumps() {
  constexpr rlimit kNone{0, 0};
  // Lowering a limit cannot fail.
  setrlimit(RLIMIT_CORE, &kNone);
}

}  // namespace vico
