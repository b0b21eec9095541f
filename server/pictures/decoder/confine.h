// Confines the calling process, which is about to parse untrusted bytes, for good.
#pragma once

#include <cstdint>

namespace vico::server {

/// The resource limits of a confined process.
struct ConfineLimits {
  /// Progressive CMYK of 25 million pixels, the most that the server takes, needs 191 MiB of
  /// coefficients, 72 of pixels and its file.
  uint64_t address_space_bytes = uint64_t{320} << 20;
  unsigned cpu_seconds = 5;
};

/// After this call the process, which must have one thread, can compute, allocate memory, read
/// descriptor 0, write descriptor 1 and exit. Any other system call kills it with SIGSYS: it cannot
/// open files or sockets, or start processes or programs. It gets SIGXCPU when it exceeds its
/// processor time; allocations fail when it exceeds its memory; it writes no core file, and dies
/// with its parent. Returns nullptr, or why it failed: the kernel has no seccomp filters, or the
/// build uses a sanitizer, whose runtime needs more system calls.
const char* Confine(const ConfineLimits& limits);

}  // namespace vico::server
