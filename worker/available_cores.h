// The number of CPU cores that this process may use.
#pragma once

#include <string_view>

namespace vico::worker {

/// The CPUs of the affinity mask or the cgroup's CPU quota, whichever is smaller; at least 1.
int AvailableCores();

/// The quota in the text of cgroup v2's cpu.max ("quota period" in microseconds) in cores, rounded
/// up; 0 for "max" and for text that cannot be parsed.
int CoresInQuota(std::string_view cpu_max);

}  // namespace vico::worker
