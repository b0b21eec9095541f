#include "toyworld/world/figure.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vico::toyworld {
namespace {

float Ramp(float distance, float width) { return std::clamp(distance / width + 0.5f, 0.0f, 1.0f); }

float Fraction(float x) { return x - std::floor(x); }

void Blend(cv::Vec4b& pixel, Rgb colour, float alpha) {
  const float target[3] = {static_cast<float>(colour.r), static_cast<float>(colour.g),
                           static_cast<float>(colour.b)};
  for (int c = 0; c < 3; ++c) {
    const auto below = static_cast<float>(pixel[c]);
    pixel[c] = static_cast<uint8_t>(std::floor(below + (target[c] - below) * alpha + 0.5f));
  }
}

}  // namespace

Figure::Figure(Canvas& canvas, const Instance& instance, const Placement& placement)
    : canvas_(canvas), instance_(instance), placement_(placement) {
  const double a = placement.degrees * std::numbers::pi / 180, flip = placement.mirrored ? -1 : 1;
  xx_ = placement.scale * flip * std::cos(a);
  xy_ = -placement.scale * std::sin(a);
  yx_ = placement.scale * flip * std::sin(a);
  yy_ = placement.scale * std::cos(a);
  const double det = xx_ * yy_ - xy_ * yx_;
  iuu_ = yy_ / det, iuv_ = -xy_ / det, ivu_ = -yx_ / det, ivv_ = xx_ / det;
  outline_ = std::clamp(placement.scale / 22, 1.2, 2.4);

  const double turn = instance.pattern_degrees * std::numbers::pi / 180;
  pattern_cos_ = static_cast<float>(std::cos(turn));
  pattern_sin_ = static_cast<float>(std::sin(turn));
  pattern_rate_ = static_cast<float>(2.7 * instance.pattern_frequency);
}

Shape Figure::Place(const Shape& shape) const {
  Shape placed;
  placed.reserve(shape.size() + 1);
  for (const cv::Point2f& p : shape) {
    placed.emplace_back(placement_.x + xx_ * p.x + xy_ * p.y, placement_.y + yx_ * p.x + yy_ * p.y);
  }
  return placed;
}

cv::Rect Figure::Bounds(const Shape& placed, double margin) const {
  float x0 = 1e9f, y0 = 1e9f, x1 = -1e9f, y1 = -1e9f;
  for (const cv::Point2f& p : placed) {
    x0 = std::min(x0, p.x), x1 = std::max(x1, p.x);
    y0 = std::min(y0, p.y), y1 = std::max(y1, p.y);
  }
  const double k = canvas_.pixels_per_unit();
  const cv::Point corner(cvFloor((x0 - margin) * k) - 1, cvFloor((y0 - margin) * k) - 1);
  const cv::Point opposite(cvCeil((x1 + margin) * k) + 2, cvCeil((y1 + margin) * k) + 2);
  const cv::Mat& pixels = canvas_.pixels();
  return cv::Rect(corner, opposite) & cv::Rect(0, 0, pixels.cols, pixels.rows);
}

void Figure::Part(const Shape& shape, Rgb colour) {
  const Shape placed = Place(shape);
  canvas_.Fill(Grown(placed, outline_), colour * 0.36, 255);
  canvas_.Fill(placed, colour, 255);
  drawn_ |= Bounds(placed, 2 * outline_);
}

void Figure::Body(const Shape& shape) {
  Part(shape, colour(0));
  if (instance_.pattern == kPlain) return;
  const Shape placed = Place(shape);
  const cv::Rect box = Bounds(placed, 0);
  if (box.empty()) return;
  cv::Mat& pixels = canvas_.pixels();
  cv::Mat stencil = cv::Mat::zeros(pixels.size(), CV_8UC1);
  canvas_.Stencil(placed, stencil);
  const double k = 1 / canvas_.pixels_per_unit();
  for (int y = box.y; y < box.br().y; ++y) {
    const auto* inside = stencil.ptr<uint8_t>(y);
    auto* row = pixels.ptr<cv::Vec4b>(y);
    const double dy = (y + 0.5) * k - placement_.y;
    for (int x = box.x; x < box.br().x; ++x) {
      if (inside[x] == 0) continue;
      const double dx = (x + 0.5) * k - placement_.x;
      const float share = PatternAt(static_cast<float>(iuu_ * dx + iuv_ * dy),
                                    static_cast<float>(ivu_ * dx + ivv_ * dy));
      if (share > 0) Blend(row[x], colour(1), share * (1 / 255.0f) * static_cast<float>(inside[x]));
    }
  }
}

float Figure::PatternAt(float u, float v) const {
  const float x = (u * pattern_cos_ + v * pattern_sin_) * pattern_rate_;
  const float y = (v * pattern_cos_ - u * pattern_sin_) * pattern_rate_;
  const auto phase = static_cast<float>(instance_.pattern_phase);
  constexpr float kEdge = 0.12f;
  switch (instance_.pattern) {
    case kStriped:
      return Ramp(std::abs(Fraction(0.85f * y + phase) - 0.5f) - 0.25f, kEdge);
    case kDotted: {
      const float shift = (static_cast<int>(std::floor(y)) & 1) != 0 ? 0.5f : 0;
      const float dx = Fraction(x + phase + shift) - 0.5f, dy = Fraction(y) - 0.5f;
      return Ramp(0.31f - std::sqrt(dx * dx + dy * dy), kEdge);
    }
    case kCheckered: {
      // The product of two soft square waves is a checkerboard with soft edges.
      const float a = Ramp(std::abs(Fraction(0.5f * (x + phase)) - 0.5f) - 0.25f, kEdge / 2);
      const float b = Ramp(std::abs(Fraction(0.5f * y) - 0.5f) - 0.25f, kEdge / 2);
      return a + b - 2 * a * b;
    }
    default:
      return 0;
  }
}

void Figure::Patch(const Shape& shape, Rgb colour) {
  const Shape placed = Place(shape);
  canvas_.Fill(placed, colour, 255);
  drawn_ |= Bounds(placed, 0);
}

void Figure::Limb(const Shape& points, double width, Rgb colour) {
  Part(Thick(points, width), colour);
}

void Figure::Stroke(const Shape& points, double width, Rgb colour) {
  Patch(Thick(points, width), colour);
}

void Figure::Shine(double x, double y, double radius, double strength) {
  const Shape centre = Place({{static_cast<float>(x), static_cast<float>(y)}});
  const double r = radius * placement_.scale;
  canvas_.Glow(centre[0].x, centre[0].y, r, r, {255, 255, 255}, strength);
}

void Figure::Shade() {
  cv::Mat& pixels = canvas_.pixels();
  const double k = 1 / canvas_.pixels_per_unit();
  const float tint[3] = {static_cast<float>(placement_.tint.r / 255),
                         static_cast<float>(placement_.tint.g / 255),
                         static_cast<float>(placement_.tint.b / 255)};
  const auto light = static_cast<float>(placement_.light);
  for (int y = drawn_.y; y < drawn_.br().y; ++y) {
    auto* row = pixels.ptr<cv::Vec4b>(y);
    const double dy = (y + 0.5) * k - placement_.y;
    for (int x = drawn_.x; x < drawn_.br().x; ++x) {
      if (row[x][3] == 0) continue;
      const double dx = (x + 0.5) * k - placement_.x;
      // In the picture's axes, since the light does not rotate with the toy.
      const auto u = static_cast<float>(dx / placement_.scale);
      const auto v = static_cast<float>(dy / placement_.scale);
      const float lit = std::clamp(1.03f + 0.17f * light * u - 0.19f * v, 0.66f, 1.25f);
      const float alpha = static_cast<float>(row[x][3]) * (1 / 255.0f);
      for (int c = 0; c < 3; ++c) {
        const float factor = 1 + (lit * tint[c] - 1) * alpha;
        row[x][c] =
            static_cast<uint8_t>(std::min(static_cast<float>(row[x][c]) * factor + 0.5f, 255.0f));
      }
    }
  }
}

}  // namespace vico::toyworld
