// Maps of the parts of a drawn toy, which the scorer is trained to predict.
#pragma once

#include <functional>

#include "toyworld/scorer/scorer.h"
#include "toyworld/world/world.h"

namespace vico::toyworld {

/// [5, 32, 32], each position's shares of the parts, in the order of Part, which add up to 1. Draws
/// the picture twice more, in black and in primary colours; `draw` must draw it with any instance.
torch::Tensor TruePartMap(const std::function<Drawing(const Instance&)>& draw,
                          const Instance& instance);

}  // namespace vico::toyworld
