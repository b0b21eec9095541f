// Draws the ten toys.
#pragma once

#include "toyworld/world/figure.h"

namespace vico::toyworld {

/// Draws all parts of figure.instance(), back to front, without shading.
void DrawToy(Figure& figure);

/// The y at which the toy touches the ground, in object coordinates.
double Underside(int toy_class);

}  // namespace vico::toyworld
