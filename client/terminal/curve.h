// A curve as text.
#pragma once

#include <string>
#include <vector>

namespace vico::client {

struct CurvePoint {
  double step = 0;
  double value = 0;
};

/// The points as a line of Braille dots with the least and the greatest value at its left and the
/// first and the last step below, at most `columns` wide and 8 rows high. Empty for fewer than two
/// steps, for a value that is not finite, and where the line has no room. Points are in the order
/// of their steps.
std::string CurveText(const std::string& name, const std::vector<CurvePoint>& points, int columns);

}  // namespace vico::client
