#include "client/sheet/sheet.h"

#include <array>
#include <optional>

#include <gtest/gtest.h>

namespace vico::client {
namespace {

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour kRed = {255, 0, 0};
constexpr Colour kGreen = {0, 255, 0};
constexpr Colour kBlue = {0, 0, 255};

Pixels Plain(int width, int height, const Colour& colour) {
  Pixels pixels;
  pixels.width = width;
  pixels.height = height;
  for (int i = 0; i < width * height; ++i) {
    pixels.rgb.insert(pixels.rgb.end(), colour.begin(), colour.end());
  }
  return pixels;
}

/// The box of all pixels of a colour.
struct Box {
  int left = 1 << 20;
  int top = 1 << 20;
  int right = -1;
  int bottom = -1;
  int pixels = 0;

  int width() const { return right - left + 1; }
  int height() const { return bottom - top + 1; }
};

Box Find(const Pixels& sheet, const Colour& colour) {
  Box box;
  for (int y = 0; y < sheet.height; ++y) {
    for (int x = 0; x < sheet.width; ++x) {
      const std::uint8_t* const pixel =
          &sheet.rgb[std::size_t{3} * static_cast<std::size_t>(y * sheet.width + x)];
      if (!std::equal(colour.begin(), colour.end(), pixel)) continue;
      box.left = std::min(box.left, x);
      box.right = std::max(box.right, x);
      box.top = std::min(box.top, y);
      box.bottom = std::max(box.bottom, y);
      ++box.pixels;
    }
  }
  return box;
}

TEST(SheetTest, APictureStandsInItsRowAndColumn) {
  Sheet sheet;
  sheet.groups = {{"", {"seed 1", "seed 2"}}};
  sheet.rows = {{"one", {Plain(64, 64, kRed), Plain(64, 64, kGreen)}},
                {"two", {std::nullopt, Plain(64, 64, kBlue)}}};
  const Pixels picture = DrawSheet(sheet, 64);
  const Box red = Find(picture, kRed);
  const Box green = Find(picture, kGreen);
  const Box blue = Find(picture, kBlue);
  for (const Box& box : {red, green, blue}) EXPECT_EQ(box.pixels, 64 * 64);
  EXPECT_LT(red.right, green.left);
  EXPECT_EQ(red.top, green.top);
  EXPECT_LT(green.bottom, blue.top);
  EXPECT_EQ(green.left, blue.left);
}

TEST(SheetTest, GroupsAreFurtherApartThanTheirColumns) {
  Sheet sheet;
  sheet.groups = {{"base model alone", {"1", "2"}}, {"with the adapter", {"1"}}};
  sheet.rows = {{"", {Plain(64, 64, kRed), Plain(64, 64, kGreen), Plain(64, 64, kBlue)}}};
  const Pixels picture = DrawSheet(sheet, 64);
  EXPECT_GT(Find(picture, kBlue).left - Find(picture, kGreen).right,
            Find(picture, kGreen).left - Find(picture, kRed).right);
}

TEST(SheetTest, SmallPicturesGrowByAWholeFactor) {
  Sheet sheet;
  sheet.groups = {{"", {"seed 1"}}};
  Pixels stripes = Plain(40, 20, kRed);
  std::copy(kBlue.begin(), kBlue.end(), stripes.rgb.begin());
  sheet.rows = {{"", {stripes}}};
  const Pixels picture = DrawSheet(sheet, 100);
  EXPECT_EQ(Find(picture, kRed).width(), 80);
  EXPECT_EQ(Find(picture, kRed).height(), 40);
  EXPECT_EQ(Find(picture, kBlue).pixels, 4);
}

TEST(SheetTest, LargePicturesShrinkToTheTile) {
  Sheet sheet;
  sheet.groups = {{"", {"seed 1"}}};
  sheet.rows = {{"", {Plain(50, 200, kRed)}}};
  const Box red = Find(DrawSheet(sheet, 100), kRed);
  EXPECT_EQ(red.width(), 25);
  EXPECT_EQ(red.height(), 100);
}

int HeightWithLabel(const std::string& label) {
  Sheet sheet;
  sheet.groups = {{"", {"seed 1"}}};
  sheet.rows = {{label, {Plain(32, 32, kRed)}}};
  return DrawSheet(sheet, 32).height;
}

TEST(SheetTest, ALongLabelIsWrappedAndCut) {
  std::string two_lines;
  for (int i = 0; i < 8; ++i) two_lines += "toys ";
  std::string many_lines;
  for (int i = 0; i < 500; ++i) many_lines += "toys ";
  const int one = HeightWithLabel("toys");
  const int two = HeightWithLabel(two_lines);
  EXPECT_GT(two, one);
  EXPECT_EQ(HeightWithLabel(many_lines), one + 3 * (two - one));
  EXPECT_EQ(HeightWithLabel(std::string(1000, 'm')), one);
}

TEST(SheetTest, TextsAreDrawn) {
  Sheet sheet;
  sheet.groups = {{"", {"seed 1"}}};
  sheet.rows = {{"", {Plain(32, 32, kRed)}}};
  const Pixels without = DrawSheet(sheet, 32);
  sheet.title = "adapters/1";
  EXPECT_NE(DrawSheet(sheet, 32).rgb, without.rgb);
}

TEST(SheetTest, MissingCharactersAreTold) {
  Sheet sheet;
  sheet.rows = {{"a café", {}}};
  EXPECT_TRUE(HasAllCharacters(sheet));
  sheet.rows.push_back({"一只猫", {}});
  EXPECT_FALSE(HasAllCharacters(sheet));
}

}  // namespace
}  // namespace vico::client
