// The canvas of scenes and toys, at twice the picture's resolution, with four 8-bit channels (RGB
// and the toy's mask). All coordinates are in units of 1/128 of the side, whatever the picture's
// size.
#pragma once

#include <opencv2/core.hpp>

#include "toyworld/world/catalogue.h"
#include "toyworld/world/shapes.h"

namespace vico::toyworld {

class Canvas {
 public:
  static constexpr double kUnits = 128;  ///< coordinate units of a side

  /// For a picture of side x side pixels; `side` is a multiple of 64.
  explicit Canvas(int side);

  void Fill(const Shape& shape, Rgb colour, int mask = 0);
  void Disc(double x, double y, double rx, double ry, Rgb colour);
  void Box(double x0, double y0, double x1, double y1, Rgb colour);
  void Line(const Shape& points, double width, Rgb colour);
  /// A gradient over the full width, from `top` at y0 to `bottom` at y1.
  void Gradient(double y0, double y1, Rgb top, Rgb bottom);
  /// Adds `colour` times `strength` in the middle, fading to 0 at the rim of the ellipse. A
  /// negative strength multiplies by 1 + strength * fade instead, which makes a shadow.
  void Glow(double x, double y, double rx, double ry, Rgb colour, double strength);

  /// Draws the mask of `shape`, [side, side] uint8, into `out`, which the caller has zeroed.
  void Stencil(const Shape& shape, cv::Mat& out) const;

  double pixels_per_unit() const { return scale_; }
  cv::Mat& pixels() { return pixels_; }  ///< [2 side, 2 side, 4] uint8
  const cv::Mat& pixels() const { return pixels_; }

 private:
  double scale_;
  cv::Mat pixels_;
};

}  // namespace vico::toyworld
