// Draws a toy from parts in object coordinates (-1..1, y down): places, outlines and patterns them,
// and shades the whole at the end.
#pragma once

#include <opencv2/core.hpp>

#include "toyworld/world/canvas.h"
#include "toyworld/world/world.h"

namespace vico::toyworld {

/// The toy's position on the canvas, in canvas units, and its light.
struct Placement {
  double x = 64, y = 64;
  double scale = 40;  ///< length of one object unit
  double degrees = 0;
  bool mirrored = false;
  double light = 0;            ///< -1 from the left .. 1 from the right
  Rgb tint = {255, 255, 255};  ///< colour of the light; 255 is neutral
};

class Figure {
 public:
  /// Keeps references to both.
  Figure(Canvas& canvas, const Instance& instance, const Placement& placement);

  const Instance& instance() const { return instance_; }
  double proportion(int i) const { return instance_.proportions[i]; }
  Rgb colour(int i) const { return instance_.paint[i].rgb; }

  /// A filled part with a dark outline.
  void Part(const Shape& shape, Rgb colour);
  /// A filled part with the instance's pattern, colour 2 on colour 1.
  void Body(const Shape& shape);
  /// A filled part without an outline.
  void Patch(const Shape& shape, Rgb colour);
  /// A line with an outline (arms, handles).
  void Limb(const Shape& points, double width, Rgb colour);
  /// A line without an outline (mouths, seams).
  void Stroke(const Shape& points, double width, Rgb colour);
  /// A soft white reflection.
  void Shine(double x, double y, double radius, double strength);

  /// Shades everything drawn so far. Call once, at the end.
  void Shade();

 private:
  Shape Place(const Shape& shape) const;
  cv::Rect Bounds(const Shape& placed, double margin) const;
  float PatternAt(float u, float v) const;

  Canvas& canvas_;
  const Instance& instance_;
  Placement placement_;
  double outline_;                // canvas units
  double xx_, xy_, yx_, yy_;      // object to canvas
  double iuu_, iuv_, ivu_, ivv_;  // canvas to object
  float pattern_cos_, pattern_sin_, pattern_rate_;
  cv::Rect drawn_;  // bounds of the pixels drawn so far
};

}  // namespace vico::toyworld
