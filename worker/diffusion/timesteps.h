// The timesteps of a sampler. Source: set_timesteps() of diffusers' schedulers, with numpy's
// rounding; the extra number that numpy's arange sometimes returns is left out.
#pragma once

#include <string_view>
#include <vector>

#include "worker/diffusion/schedule.h"

namespace vico::worker {

/// How a family of schedulers interprets the three spacings.
enum class Grid {
  kWhole,       ///< ddim, ddpm, pndm: whole numbers, both ends included
  kFractional,  ///< euler, euler_ancestral, heun: "linspace" is not rounded
  kEndless,     ///< dpmsolver++, unipc: computed for one step more, without the last
};

/// `steps` timesteps, descending. `own_spacing` is the scheduler's default.
std::vector<double> SpacedTimesteps(const ScheduleConfig& config, std::string_view own_spacing,
                                    Grid grid, int64_t steps);

}  // namespace vico::worker
