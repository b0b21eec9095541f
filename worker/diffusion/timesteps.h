// Which timesteps a sampler visits. Source: diffusers, set_timesteps() of its schedulers, to the
// rounding of numpy; where numpy's arange gives one number too many, it is left out.
#pragma once

#include <string_view>
#include <vector>

#include "worker/diffusion/schedule.h"

namespace vico::worker {

/// How a family of schedulers reads the three spacings.
enum class Grid {
  kWhole,       ///< ddim, ddpm, pndm: whole numbers, both ends included
  kFractional,  ///< euler, euler_ancestral, heun: "linspace" is not rounded
  kEndless,     ///< dpmsolver++, unipc: one more than asked for, the last left out
};

/// Descending, `steps` of them. `own_spacing` is the scheduler's where the config names none.
std::vector<double> SpacedTimesteps(const ScheduleConfig& config, std::string_view own_spacing,
                                    Grid grid, int64_t steps);

}  // namespace vico::worker
