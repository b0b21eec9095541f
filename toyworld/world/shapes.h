// Outlines of simple shapes as lists of points, in the caller's units; y points down.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

namespace vico::toyworld {

using Shape = std::vector<cv::Point2f>;

/// Part of an ellipse from angle `from` to `to` (degrees, clockwise from the right), turned by
/// `turn` degrees.
struct Arc {
  double from = 0, to = 360;
  double turn = 0;
  int points = 26;
};
Shape Ellipse(double x, double y, double rx, double ry, const Arc& arc = {});

/// Corners (x0, y0) and (x1, y1), corner radius at most half of the shorter side.
Shape RoundedBox(double x0, double y0, double x1, double y1, double radius);
Shape Star(double x, double y, double radius);
Shape Heart(double x, double y, double radius);

/// The outline of a line of the given width through `points`, with round ends.
Shape Thick(const Shape& points, double width);

/// `shape` grown by `margin` on all sides (mitred, sharp corners are cut).
Shape Grown(const Shape& shape, double margin);

}  // namespace vico::toyworld
