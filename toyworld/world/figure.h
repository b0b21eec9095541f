// A toy while it is being drawn: parts given in object coordinates (-1..1, y down) are placed,
// outlined, patterned and at the end shaded as one solid thing.
#pragma once

#include <opencv2/core.hpp>

#include "toyworld/world/canvas.h"
#include "toyworld/world/world.h"

namespace vico::toyworld {

/// Where the toy stands on the canvas (units of the canvas) and how it is lit.
struct Placement {
  double x = 64, y = 64;
  double scale = 40;  ///< length of one object unit
  double degrees = 0;
  bool mirrored = false;
  double light = 0;            ///< -1..1: from the left .. from the right
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
  /// The same carrying the instance's pattern: colour 2 on colour 1.
  void Body(const Shape& shape);
  /// Without outline.
  void Patch(const Shape& shape, Rgb colour);
  /// A line of some width with an outline (arms, handles).
  void Limb(const Shape& points, double width, Rgb colour);
  /// A line without one (mouths, seams).
  void Stroke(const Shape& points, double width, Rgb colour);
  /// A soft white reflection.
  void Shine(double x, double y, double radius, double strength);

  /// Volume and light over everything drawn so far. Call once, last.
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
  cv::Rect drawn_;  // pixels touched so far
};

}  // namespace vico::toyworld
