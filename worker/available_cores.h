// How many cores this process may use.
#pragma once

#include <string_view>

namespace vico::worker {

/// At least 1: the CPUs of the affinity mask, or fewer where a container's CPU quota says so.
int AvailableCores();

/// Whole cores in the text of cgroup v2's cpu.max, "quota period" in microseconds, rounded up; 0
/// for "max" and for anything that cannot be read.
int CoresInQuota(std::string_view cpu_max);

}  // namespace vico::worker
