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
  bool takes_init_picture = false;
};

inline constexpr SchedulerInfo kSchedulers[] = {
#define VICO_SCHEDULER(Name, name, max_steps, takes_eta, takes_init_picture) \
  {name, max_steps, takes_eta, takes_init_picture},
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

/// How many of `steps` sampling steps run from an init picture with `denoise`, above 0 and at most
/// 1; 0 if `denoise` is too small for a step. Source: get_timesteps() of diffusers'
/// StableDiffusionImg2ImgPipeline.
constexpr int DenoisingSteps(int steps, double denoise) {
  return std::min(static_cast<int>(steps * denoise), steps);
}

}  // namespace vico
