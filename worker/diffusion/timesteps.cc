#include "worker/diffusion/timesteps.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace vico::worker {
namespace {

// Number k of `count` evenly spaced numbers from 0 to `last`, both included.
double Linspace(double last, int64_t count, int64_t k) {
  if (count == 1) return 0;
  if (k == count - 1) return last;
  return static_cast<double>(k) * (last / static_cast<double>(count - 1));
}

}  // namespace

std::vector<double> SpacedTimesteps(const ScheduleConfig& config, std::string_view own_spacing,
                                    Grid grid, int64_t steps) {
  const std::string_view spacing =
      config.timestep_spacing.empty() ? own_spacing : std::string_view(config.timestep_spacing);
  const auto total = static_cast<double>(config.num_train_timesteps);
  const int64_t extra = grid == Grid::kEndless ? 1 : 0;
  std::vector<double> timesteps;
  if (spacing == "leading") {
    const int64_t ratio = config.num_train_timesteps / (steps + extra);
    for (int64_t k = steps + extra - 1; k >= extra; --k) {
      timesteps.push_back(static_cast<double>(k * ratio + config.steps_offset));
    }
  } else if (spacing == "linspace") {
    for (int64_t k = steps + extra - 1; k >= extra; --k) {
      const double t = Linspace(total - 1, steps + extra, k);
      timesteps.push_back(grid == Grid::kFractional ? static_cast<float>(t) : std::nearbyint(t));
    }
  } else if (spacing == "trailing") {
    const double delta = (total - total / static_cast<double>(steps)) - total;
    for (int64_t k = 0; k < steps; ++k) {
      timesteps.push_back(std::nearbyint(total + static_cast<double>(k) * delta) - 1);
    }
  } else {
    TORCH_CHECK(false, "timestep_spacing ", std::string(spacing),
                " is not one of leading, linspace, trailing");
  }
  // With as many steps as timesteps, steps_offset leads out of the range.
  for (double& t : timesteps) t = std::clamp(t, 0.0, total - 1);
  return timesteps;
}

}  // namespace vico::worker
