// The table of sampling schedulers, which the server checks requests against and the worker makes
// schedulers from. Its lines are in schedulers.def.
#pragma once

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace vico {

struct SchedulerInfo {
  std::string_view name;
  int max_steps = 0;  ///< of a request; 0: no limit of its own
  bool takes_eta = false;
};

inline constexpr SchedulerInfo kSchedulers[] = {
#define VICO_SCHEDULER(Name, name, max_steps, takes_eta) {name, max_steps, takes_eta},
#include "common/schedulers.def"
#undef VICO_SCHEDULER
};

inline constexpr auto kSchedulerNames = [] {
  std::array<std::string_view, std::size(kSchedulers)> names;
  std::ranges::transform(kSchedulers, names.begin(), &SchedulerInfo::name);
  return names;
}();

/// Null for an unknown name.
constexpr const SchedulerInfo* FindScheduler(std::string_view name) {
  const auto* found = std::ranges::find(kSchedulers, name, &SchedulerInfo::name);
  return found == std::end(kSchedulers) ? nullptr : found;
}

}  // namespace vico
