#include "client/terminal/curve.h"

#include <cmath>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

#include "common/text/utf8.h"

namespace vico::client {
namespace {

TEST(CurveTest, ALineFallsFromTheGreatestToTheLeastValue) {
  EXPECT_EQ(CurveText("loss", {{1, 2}, {100, 1}}, 19),
            "loss 1.0000 at step 100\n"
            "2.0000 ⠑⢄⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀\n"
            "       ⠀⠀⠑⢄⠀⠀⠀⠀⠀⠀⠀⠀\n"
            "       ⠀⠀⠀⠀⠑⢄⠀⠀⠀⠀⠀⠀\n"
            "       ⠀⠀⠀⠀⠀⠀⠑⢄⠀⠀⠀⠀\n"
            "       ⠀⠀⠀⠀⠀⠀⠀⠀⠑⢄⠀⠀\n"
            "1.0000 ⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠑⢄\n"
            "       1        100\n");
}

TEST(CurveTest, NoLineIsWiderThanTheTerminal) {
  std::vector<CurvePoint> points;
  for (int step = 1; step <= 400; ++step) {
    points.push_back({static_cast<double>(step), std::sin(step)});
  }
  for (const int columns : {20, 40, 79, 200}) {
    std::istringstream lines(CurveText("loss", points, columns));
    std::size_t widest = 0;
    for (std::string line; std::getline(lines, line);) widest = std::max(widest, ColumnsOf(line));
    EXPECT_LE(widest, static_cast<std::size_t>(std::max(columns, 26))) << columns;
    EXPECT_GE(widest, static_cast<std::size_t>(std::min(columns, 79))) << columns;
  }
}

TEST(CurveTest, EqualValuesAreALevelLine) {
  EXPECT_NE(CurveText("loss", {{1, 2}, {5, 2}}, 40), "");
}

TEST(CurveTest, WhatIsNoLineIsNotDrawn) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(CurveText("loss", {}, 80), "");
  EXPECT_EQ(CurveText("loss", {{1, 2}}, 80), "");
  EXPECT_EQ(CurveText("loss", {{1, 2}, {1, 3}}, 80), "");
  EXPECT_EQ(CurveText("loss", {{1, 2}, {2, nan}}, 80), "");
  EXPECT_EQ(CurveText("loss", {{1, 2}, {2, 3}}, 10), "");
}

}  // namespace
}  // namespace vico::client
