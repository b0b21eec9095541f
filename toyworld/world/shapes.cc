#include "toyworld/world/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vico::toyworld {
namespace {

cv::Point2f Direction(cv::Point2f from, cv::Point2f to) {
  const cv::Point2f d = to - from;
  const float length = std::sqrt(d.dot(d));
  return length > 1e-6f ? d * (1 / length) : cv::Point2f(0, 0);
}

// Offset of a corner between edges with the directions `in` and `out`, to the left of both in the
// picture.
cv::Point2f Miter(cv::Point2f in, cv::Point2f out, float distance) {
  const cv::Point2f sum = cv::Point2f(in.y, -in.x) + cv::Point2f(out.y, -out.x);
  const float squared = sum.dot(sum);
  if (squared < 1e-6f) return cv::Point2f(in.y, -in.x) * distance;
  const float stretch =
      std::min(2 / squared, 2 / std::sqrt(squared));  // at most twice the distance
  return sum * (distance * stretch);
}

}  // namespace

Shape Ellipse(double x, double y, double rx, double ry, const Arc& arc) {
  const bool closed = arc.to - arc.from >= 360;
  const double step =
      (arc.to - arc.from) / (closed ? arc.points : arc.points - 1) * std::numbers::pi / 180;
  const double c = std::cos(arc.turn * std::numbers::pi / 180),
               s = std::sin(arc.turn * std::numbers::pi / 180);
  Shape shape;
  shape.reserve(arc.points);
  for (int i = 0; i < arc.points; ++i) {
    const double t = arc.from * std::numbers::pi / 180 + i * step;
    const double u = rx * std::cos(t), v = ry * std::sin(t);
    shape.emplace_back(x + c * u - s * v, y + s * u + c * v);
  }
  return shape;
}

Shape RoundedBox(double x0, double y0, double x1, double y1, double radius) {
  const double r = std::min({radius, (x1 - x0) / 2, (y1 - y0) / 2});
  Shape shape;
  shape.reserve(20);
  const double corners[4][3] = {
      {x1 - r, y0 + r, -90}, {x1 - r, y1 - r, 0}, {x0 + r, y1 - r, 90}, {x0 + r, y0 + r, 180}};
  for (const auto& [x, y, from] : corners) {
    for (int i = 0; i < 5; ++i) {
      const double t = (from + 22.5 * i) * std::numbers::pi / 180;
      shape.emplace_back(x + r * std::cos(t), y + r * std::sin(t));
    }
  }
  return shape;
}

Shape Star(double x, double y, double radius) {
  Shape shape;
  for (int i = 0; i < 10; ++i) {
    const double t = -std::numbers::pi / 2 + i * std::numbers::pi / 5,
                 r = i % 2 == 0 ? radius : 0.48 * radius;
    shape.emplace_back(x + r * std::cos(t), y + r * std::sin(t));
  }
  return shape;
}

Shape Heart(double x, double y, double radius) {
  Shape shape;
  for (int i = 0; i < 24; ++i) {
    const double t = 2 * std::numbers::pi * i / 24, s = std::sin(t);
    const double height =
        13 * std::cos(t) - 5 * std::cos(2 * t) - 2 * std::cos(3 * t) - std::cos(4 * t);
    shape.emplace_back(x + radius * s * s * s, y - radius * height / 16);
  }
  return shape;
}

Shape Thick(const Shape& points, double width) {
  const auto half = static_cast<float>(width / 2);
  const int n = static_cast<int>(points.size());
  Shape left, right;
  for (int i = 0; i < n; ++i) {
    const cv::Point2f in = Direction(points[std::max(i - 1, 0)], points[std::max(i, 1)]);
    const cv::Point2f out = Direction(points[std::min(i, n - 2)], points[std::min(i + 1, n - 1)]);
    const cv::Point2f offset = Miter(in, out, half);
    left.push_back(points[i] + offset);
    right.push_back(points[i] - offset);
  }
  const auto cap = [half](Shape& shape, cv::Point2f end, cv::Point2f ahead) {
    const double start = std::atan2(-ahead.x, ahead.y);  // of the offset on the left-hand side
    for (int i = 1; i < 6; ++i) {
      const double t = start + std::numbers::pi * i / 6;
      shape.emplace_back(end.x + half * std::cos(t), end.y + half * std::sin(t));
    }
  };
  Shape shape = left;
  cap(shape, points[n - 1], Direction(points[n - 2], points[n - 1]));
  shape.insert(shape.end(), right.rbegin(), right.rend());
  cap(shape, points[0], Direction(points[1], points[0]));
  return shape;
}

Shape Grown(const Shape& shape, double margin) {
  const int n = static_cast<int>(shape.size());
  double area = 0;
  for (int i = 0; i < n; ++i) area += shape[i].cross(shape[(i + 1) % n]);
  const auto distance = static_cast<float>(area > 0 ? margin : -margin);
  Shape grown(n);
  for (int i = 0; i < n; ++i) {
    const cv::Point2f before = shape[(i + n - 1) % n], after = shape[(i + 1) % n];
    grown[i] = shape[i] + Miter(Direction(before, shape[i]), Direction(shape[i], after), distance);
  }
  return grown;
}

}  // namespace vico::toyworld
