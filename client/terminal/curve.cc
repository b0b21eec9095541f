#include "client/terminal/curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace vico::client {
namespace {

constexpr int kRows = 6;
constexpr int kWidest = 72;    // columns of the line
constexpr int kNarrowest = 8;  // columns of the line
constexpr int kDotsAcross = 2;
constexpr int kDotsDown = 4;

/// The bits of U+2800's block for a dot's row and column in its cell.
constexpr std::array<std::array<unsigned, kDotsAcross>, kDotsDown> kDots = {
    {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}};

class Dots {
 public:
  explicit Dots(int columns)
      : columns_(columns), cells_(static_cast<std::size_t>(columns) * kRows, 0) {}

  int across() const { return columns_ * kDotsAcross; }
  static int down() { return kRows * kDotsDown; }

  void Set(int x, int y) {
    cells_[Index(x / kDotsAcross, y / kDotsDown)] |=
        kDots[static_cast<std::size_t>(y % kDotsDown)][static_cast<std::size_t>(x % kDotsAcross)];
  }

  std::string Row(int row) const {
    std::string text;
    for (int x = 0; x < columns_; ++x) {
      const unsigned cell = cells_[Index(x, row)];
      // U+2800 + cell in UTF-8.
      text += '\xe2';
      text += static_cast<char>(0xa0U | (cell >> 6U));
      text += static_cast<char>(0x80U | (cell & 0x3fU));
    }
    return text;
  }

 private:
  std::size_t Index(int column, int row) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
           static_cast<std::size_t>(column);
  }

  int columns_;
  std::vector<unsigned> cells_;
};

/// The value of the line at the step, between the points around it.
double ValueAt(const std::vector<CurvePoint>& points, double step) {
  const auto after = std::find_if(points.begin(), points.end(),
                                  [step](const CurvePoint& point) { return point.step >= step; });
  if (after == points.begin()) return points.front().value;
  if (after == points.end()) return points.back().value;
  const CurvePoint& before = *(after - 1);
  const double share = (step - before.step) / (after->step - before.step);
  return std::lerp(before.value, after->value, share);
}

}  // namespace

std::string CurveText(const std::string& name, const std::vector<CurvePoint>& points, int columns) {
  if (points.size() < 2 || points.back().step <= points.front().step) return "";
  double low = points.front().value;
  double high = low;
  for (const CurvePoint& point : points) {
    if (!std::isfinite(point.value)) return "";
    low = std::min(low, point.value);
    high = std::max(high, point.value);
  }
  const std::string top = fmt::format("{:.4f}", high);
  const std::string bottom = fmt::format("{:.4f}", low);
  const int margin = static_cast<int>(std::max(top.size(), bottom.size())) + 1;
  const int width = std::min(columns - margin, kWidest);
  if (width < kNarrowest) return "";

  Dots dots(width);
  const double first = points.front().step;
  const double range = points.back().step - first;
  int last_y = -1;
  for (int x = 0; x < dots.across(); ++x) {
    const double value = ValueAt(points, first + range * x / (dots.across() - 1));
    const double share = high > low ? (high - value) / (high - low) : 0.5;
    const int y = static_cast<int>(std::lround(share * (Dots::down() - 1)));
    const int from = last_y < 0 ? y : last_y;
    for (int filled = std::min(from, y); filled <= std::max(from, y); ++filled) {
      // Steep parts are drawn up to the dot before.
      if (filled != from || filled == y) dots.Set(x, filled);
    }
    last_y = y;
  }

  std::string text =
      fmt::format("{} {:.4f} at step {:.0f}\n", name, points.back().value, points.back().step);
  for (int row = 0; row < kRows; ++row) {
    const std::string label = row == 0 ? top : row == kRows - 1 ? bottom : "";
    text += fmt::format("{:>{}} {}\n", label, margin - 1, dots.Row(row));
  }
  const std::string last = fmt::format("{:.0f}", points.back().step);
  const std::string start = fmt::format("{:.0f}", first);
  const int between = width - static_cast<int>(start.size() + last.size());
  if (between > 0) {
    text += fmt::format("{:{}}{}{:{}}{}\n", "", margin, start, "", between, last);
  }
  return text;
}

}  // namespace vico::client
