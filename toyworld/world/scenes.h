// Draws the nine backgrounds.
#pragma once

#include "toyworld/world/canvas.h"
#include "toyworld/world/random.h"

namespace vico::toyworld {

/// How a toy fits into the scene.
struct Setting {
  bool shadow = true;          ///< there is ground for one
  double lift = 0;             ///< added to y for a toy that floats
  Rgb tint = {255, 255, 255};  ///< colour of the light, 255 is neutral
};

/// Fills the whole canvas.
Setting DrawScene(int scene, Random& random, Canvas& canvas);

}  // namespace vico::toyworld
