// How much of the concept's pictures the learned masks cover, and how stable they are.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "worker/model/personalized.h"
#include "worker/personalize/base.h"

namespace vico::worker {

struct MaskFigures {
  double coverage = 0;   ///< 0..1, share of foreground: mean over pictures and timesteps
  double stability = 0;  ///< 0..1, see MeanIou(): mean over the pictures
};

/// The mean intersection over union of all pairs of masks [side, side] bool, 2 or more. Two empty
/// masks agree: 1.
double MeanIou(const std::vector<torch::Tensor>& masks);

/// Reads the finest site's masks of each picture at five timesteps, in the middle of each fifth of
/// them. pictures01 [P, 3, h, w] in 0..1. Nothing if `keep_going`, called before each picture,
/// returned false. Throws as LearnedMasks() does.
std::optional<MaskFigures> MeasureMasks(Base& base, Adapter& adapter, Dialect dialect,
                                        const torch::Tensor& pictures01,
                                        const std::function<bool()>& keep_going);

}  // namespace vico::worker
