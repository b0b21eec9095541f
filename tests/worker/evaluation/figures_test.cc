#include "worker/evaluation/figures.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vico::worker {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

constexpr PictureOrder kOrder = {.prompts = 2, .pictures_of_prompt = 2};

v1::AdapterReport ReportOf(const std::vector<PictureFigure>& measured) {
  v1::AdapterReport report;
  AddFigures(measured, "a network", kOrder, report);
  return report;
}

TEST(FiguresTest, PicturesBeforeComeFirst) {
  const auto report = ReportOf({{"clip_i", {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9}}});
  ASSERT_EQ(report.figures_size(), 1);
  const auto& figure = report.figures(0);
  EXPECT_EQ(figure.name(), "clip_i");
  EXPECT_EQ(figure.measured_with(), "a network");
  EXPECT_DOUBLE_EQ(figure.before(), 0.25);
  EXPECT_DOUBLE_EQ(figure.after(), 0.7);
  EXPECT_THAT(figure.after_by_prompt(), ElementsAre(DoubleEq(0.55), DoubleEq(0.85)));
}

TEST(FiguresTest, PicturesThatAFigureSaysNothingOfDoNotCount) {
  const std::optional<double> none;
  const auto report = ReportOf({{"prompt_fidelity", {0.0, 1.0, none, none, 1.0, 1.0, none, none}}});
  ASSERT_EQ(report.figures_size(), 1);
  EXPECT_DOUBLE_EQ(report.figures(0).before(), 0.5);
  EXPECT_DOUBLE_EQ(report.figures(0).after(), 1);
  EXPECT_DOUBLE_EQ(report.figures(0).after_by_prompt(0), 1);
  EXPECT_TRUE(std::isnan(report.figures(0).after_by_prompt(1)));
}

TEST(FiguresTest, AFigureWithoutPicturesIsLeftOut) {
  EXPECT_EQ(ReportOf({{"prompt_fidelity", std::vector<std::optional<double>>(8)}}).figures_size(),
            0);
}

TEST(FiguresTest, TheFirstNetworkGivesAFigure) {
  v1::AdapterReport report;
  AddFigures({{"nearest_picture", std::vector<std::optional<double>>(8, 0.5)}}, "first", kOrder,
             report);
  AddFigures({{"nearest_picture", std::vector<std::optional<double>>(8, 0.75)},
              {"clip_i", std::vector<std::optional<double>>(8, 0.25)}},
             "second", kOrder, report);
  ASSERT_EQ(report.figures_size(), 2);
  EXPECT_EQ(report.figures(0).measured_with(), "first");
  EXPECT_EQ(report.figures(0).after(), 0.5);
  EXPECT_EQ(report.figures(1).name(), "clip_i");
}

}  // namespace
}  // namespace vico::worker
