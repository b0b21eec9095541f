#include "worker/evaluation/evaluation_sheet.h"

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

Pixels Plain(uint8_t red) {
  Pixels pixels = {.width = 64, .height = 64, .rgb = std::vector<uint8_t>(64 * 64 * 3)};
  for (size_t i = 0; i < pixels.rgb.size(); i += 3) pixels.rgb[i] = red;
  return pixels;
}

/// The columns of the sheet where the pixels of a row are of this red and without green.
std::vector<int> ColumnsOf(const Pixels& sheet, int y, int red) {
  std::vector<int> columns;
  for (int x = 0; x < sheet.width; ++x) {
    const auto at = static_cast<size_t>(3 * (y * sheet.width + x));
    if (sheet.rgb[at] == red && sheet.rgb[at + 1] == 0) columns.push_back(x);
  }
  return columns;
}

TEST(EvaluationSheetTest, ARowHasThePicturesBeforeAndThenThoseAfter) {
  const std::vector<Pixels> pictures = {Plain(10), Plain(20), Plain(30), Plain(40)};
  const Pixels sheet = DrawEvaluationSheet(
      {.title = "S*", .prompts = {"a S* at sea", "a S*"}, .seeds = {7}, .pictures = pictures});
  ASSERT_EQ(sheet.rgb.size(), static_cast<size_t>(sheet.width) * sheet.height * 3);
  // Title and heading, then a row of label and tile.
  const int first = 18 + 34 + 22 + 24 + 64;
  const int second = first + 24 + 134;
  ASSERT_EQ(ColumnsOf(sheet, first, 10).size(), 128u);
  ASSERT_EQ(ColumnsOf(sheet, first, 30).size(), 128u);
  EXPECT_LT(ColumnsOf(sheet, first, 10).back() + 6, ColumnsOf(sheet, first, 30).front())
      << "a wider gap between before and after";
  EXPECT_EQ(ColumnsOf(sheet, second, 20), ColumnsOf(sheet, first, 10));
  EXPECT_EQ(ColumnsOf(sheet, second, 40), ColumnsOf(sheet, first, 30));
}

}  // namespace
}  // namespace vico::worker
