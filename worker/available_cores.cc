#include "worker/available_cores.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <sched.h>

namespace vico::worker {

int AvailableCores() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const int mask = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const int quota = CoresInQuota(text);
  return std::max(1, quota > 0 ? std::min(mask, quota) : mask);
}

int CoresInQuota(std::string_view cpu_max) {
  std::istringstream text{std::string(cpu_max)};
  int64_t quota = 0;
  int64_t period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min<int64_t>(1024, (quota + period - 1) / period));
}

}  // namespace vico::worker
