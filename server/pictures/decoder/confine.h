// Gives up, for good, what a process that works on untrusted bytes does not need.
#pragma once

#include <cstdint>

namespace vico::server {

/// What is left to a confined process.
struct ConfineLimits {
  /// Progressive CMYK of 25 million pixels, the most that the server takes, needs 191 MiB of
  /// coefficients, 72 of pixels and its file.
  uint64_t address_space_bytes = uint64_t{320} << 20;
  unsigned cpu_seconds = 5;
};

/// From here on this process, which must have one thread, can compute, take memory, read
/// descriptor 0, write descriptor 1 and end. Every other system call kills it with SIGSYS: it opens
/// no file, makes no socket, and starts neither process nor program. Beyond its processor time it
/// gets SIGXCPU; beyond its memory, allocations fail; it leaves no core file, and dies with its
/// parent. Returns nullptr, or why that cannot be: the kernel has no seccomp filters, or this is a
/// build with a sanitizer, whose runtime needs more.
const char* Confine(const ConfineLimits& limits);

}  // namespace vico::server
