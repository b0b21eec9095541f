#include "toyworld/world/canvas.h"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace vico::toyworld {
namespace {

constexpr int kShift = 4;  // OpenCV's fixed-point coordinates: 1/16 pixel

std::vector<cv::Point> Fixed(const Shape& shape, double scale) {
  std::vector<cv::Point> points;
  points.reserve(shape.size());
  for (const cv::Point2f& p : shape) {  // pixel centres are at whole numbers
    points.emplace_back(cvRound((p.x * scale - 0.5) * (1 << kShift)),
                        cvRound((p.y * scale - 0.5) * (1 << kShift)));
  }
  return points;
}

void FillPolygon(cv::Mat& image, const Shape& shape, double scale, const cv::Scalar& value) {
  const std::vector<cv::Point> points = Fixed(shape, scale);
  const cv::Point* data = points.data();
  const int count = static_cast<int>(points.size());
  cv::fillPoly(image, &data, &count, 1, value, cv::LINE_AA, kShift);
}

uint8_t Byte(double value) { return static_cast<uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)); }

}  // namespace

Canvas::Canvas(int side)
    : scale_(2 * side / kUnits), pixels_(2 * side, 2 * side, CV_8UC4, cv::Scalar::all(0)) {}

void Canvas::Fill(const Shape& shape, Rgb colour, int mask) {
  FillPolygon(pixels_, shape, scale_, {colour.r, colour.g, colour.b, static_cast<double>(mask)});
}

void Canvas::Disc(double x, double y, double rx, double ry, Rgb colour) {
  const int points = std::clamp(static_cast<int>(std::max(rx, ry) * 2), 8, 40);
  Fill(Ellipse(x, y, rx, ry, {.points = points}), colour);
}

void Canvas::Box(double x0, double y0, double x1, double y1, Rgb colour) {
  const auto pixel = [this](double v) { return cvRound(v * scale_); };
  const cv::Rect box(cv::Point(pixel(x0), pixel(y0)), cv::Point(pixel(x1), pixel(y1)));
  const cv::Rect inside = box & cv::Rect(0, 0, pixels_.cols, pixels_.rows);
  if (!inside.empty()) pixels_(inside).setTo(cv::Scalar(colour.r, colour.g, colour.b, 0));
}

void Canvas::Line(const Shape& points, double width, Rgb colour) {
  Fill(Thick(points, width), colour);
}

void Canvas::Gradient(double y0, double y1, Rgb top, Rgb bottom) {
  const int first = std::max(0, cvRound(y0 * scale_));
  const int last = std::min(pixels_.rows, cvRound(y1 * scale_));
  for (int y = first; y < last; ++y) {
    const double t = (y + 0.5 - y0 * scale_) / ((y1 - y0) * scale_);
    const Rgb c = Mix(top, bottom, std::clamp(t, 0.0, 1.0));
    const cv::Vec4b value(Byte(c.r), Byte(c.g), Byte(c.b), 0);
    auto* row = pixels_.ptr<cv::Vec4b>(y);
    std::fill(row, row + pixels_.cols, value);
  }
}

void Canvas::Glow(double x, double y, double rx, double ry, Rgb colour, double strength) {
  const int y0 = std::max(0, static_cast<int>((y - ry) * scale_));
  const int y1 = std::min(pixels_.rows, static_cast<int>((y + ry) * scale_) + 1);
  const int x0 = std::max(0, static_cast<int>((x - rx) * scale_));
  const int x1 = std::min(pixels_.cols, static_cast<int>((x + rx) * scale_) + 1);
  const auto k = static_cast<float>(strength);
  const float add[3] = {static_cast<float>(colour.r), static_cast<float>(colour.g),
                        static_cast<float>(colour.b)};
  for (int row = y0; row < y1; ++row) {
    const double v = ((row + 0.5) / scale_ - y) / ry;
    auto* pixel = pixels_.ptr<cv::Vec4b>(row);
    for (int column = x0; column < x1; ++column) {
      const double u = ((column + 0.5) / scale_ - x) / rx;
      const auto near = static_cast<float>(1 - u * u - v * v);
      if (near <= 0) continue;
      const float fade = near * near;
      for (int c = 0; c < 3; ++c) {
        const float old = pixel[column][c];
        const float value = k < 0 ? old * (1 + k * fade) : old + (add[c] - old) * k * fade;
        pixel[column][c] = static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
      }
    }
  }
}

void Canvas::Stencil(const Shape& shape, cv::Mat& out) const {
  FillPolygon(out, shape, scale_, cv::Scalar::all(255));
}

}  // namespace vico::toyworld
