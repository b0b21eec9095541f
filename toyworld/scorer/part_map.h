// Which place of a drawing belongs to which part of its toy: what the scorer learns to see first.
#pragma once

#include <functional>

#include "toyworld/scorer/scorer.h"
#include "toyworld/world/world.h"

namespace vico::toyworld {

/// [5, 32, 32], shares in the order of Part that add up to 1. Found by drawing the picture twice
/// more, in black and in primary colours: `draw` draws it with any instance.
torch::Tensor TruePartMap(const std::function<Drawing(const Instance&)>& draw,
                          const Instance& instance);

}  // namespace vico::toyworld
