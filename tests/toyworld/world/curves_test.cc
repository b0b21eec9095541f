#include "toyworld/charts/curves.h"

#include <gmock/gmock.h>

namespace vico::toyworld {
namespace {

TEST(CurvesTest, FiguresAfterAStepNumberBecomePointsOfCurves) {
  const Curves curves = ReadCurves(
      "diffusion from step 0 to 100\n"
      "diffusion step 50 loss 0.5000 lr 8.00e-04 64.0 pictures/s\n"
      "diffusion step 100 held-out mse 0.1100\n"
      "diffusion step 50 loss 0.4000 lr 8.00e-04 64.0 pictures/s\n"
      "step 100 loss 1.5e-01 rate 1.5e-03\n");
  ASSERT_EQ(curves.size(), 2U);
  using Points = std::vector<std::pair<double, double>>;
  EXPECT_EQ(curves.at("loss"), (Points{{50, 0.4}, {100, 0.15}}));
  EXPECT_EQ(curves.at("held-out mse"), (Points{{100, 0.11}}));
}

TEST(CurvesTest, EachCurveHasAPanel) {
  EXPECT_TRUE(DrawCurves({}, "x").empty());
  const cv::Mat one = DrawCurves({{"loss", {{1, 2}, {2, 1}}}}, "x");
  const cv::Mat two = DrawCurves({{"a", {{1, 2}}}, {"b", {{1, 2}, {2, 1}}}}, "x");
  EXPECT_EQ(two.rows, 2 * one.rows);
}

}  // namespace
}  // namespace vico::toyworld
