// Makes allocations of this test program fail: those of C++ and those of SQLite.
#pragma once

#include <cstdint>

namespace vico::server {

enum class Failing {
  kOnce,     ///< one allocation
  kForGood,  ///< it and all later ones
  kEach,     ///< each n-th
};

/// From now on the allocation after `allocations` more fails: std::bad_alloc, or SQLITE_NOMEM. Any
/// thread; counts the allocations of all threads.
void FailAllocations(Failing failing, int64_t allocations);

/// Ends it. Returns how many allocations have failed.
int64_t StopFailing();

}  // namespace vico::server
