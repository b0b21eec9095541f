#include "worker/io/image.h"

#include <algorithm>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>

#include "tests/support/status_matchers.h"
#include "worker/io/resize.h"

namespace vico::worker {
namespace {

using ::testing::HasSubstr;

Pixels Pattern(int width, int height) {
  Pixels pixels{width, height, {}};
  for (int i = 0; i < width * height * 3; ++i) pixels.rgb.push_back(static_cast<uint8_t>(i * 37));
  return pixels;
}

std::string Encoded(const cv::Mat& image) {
  std::vector<uint8_t> bytes;
  cv::imencode(".png", image, bytes);
  return {bytes.begin(), bytes.end()};
}

TEST(Image, PngKeepsEveryPixel) {
  const auto png = EncodePng(Pattern(5, 3));
  ASSERT_THAT(png, IsOk());
  const auto decoded = DecodePng(*png);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->width, 5);
  EXPECT_EQ(decoded->height, 3);
  EXPECT_EQ(decoded->rgb, Pattern(5, 3).rgb);
}

TEST(Image, TensorIsRgbChannelsFirst) {
  const auto tensor = ToTensor({2, 1, {255, 0, 0, 0, 0, 51}});  // red, dark blue
  ASSERT_EQ(tensor.sizes(), (torch::IntArrayRef{3, 1, 2}));
  EXPECT_EQ(tensor[0][0][0].item<float>(), 1.0f);
  EXPECT_EQ(tensor[2][0][0].item<float>(), 0.0f);
  EXPECT_FLOAT_EQ(tensor[2][0][1].item<float>(), 0.2f);
  EXPECT_EQ(ToPixels(tensor).rgb, (std::vector<uint8_t>{255, 0, 0, 0, 0, 51}));
}

TEST(Image, ValuesOutsideAreClampedAndOthersRounded) {
  const auto tensor = torch::tensor({-0.5f, 1.5f, 0.4985f}).view({3, 1, 1});
  EXPECT_EQ(ToPixels(tensor).rgb, (std::vector<uint8_t>{0, 255, 127}));
}

TEST(Image, GreyAndAlphaBecomeRgb) {
  const auto grey = DecodePng(Encoded(cv::Mat(2, 2, CV_8UC1, cv::Scalar(9))));
  ASSERT_THAT(grey, IsOk());
  EXPECT_EQ(grey->rgb, std::vector<uint8_t>(12, 9));
  const auto alpha = DecodePng(Encoded(cv::Mat(1, 1, CV_8UC4, cv::Scalar(1, 2, 3, 0))));
  ASSERT_THAT(alpha, IsOk());
  EXPECT_EQ(alpha->rgb, (std::vector<uint8_t>{3, 2, 1}));
}

TEST(Image, APictureIsScaledToBothSides) {
  const auto resized = LoadResized(*EncodePng(Pattern(5, 3)), 8, 16);
  ASSERT_THAT(resized, IsOk());
  EXPECT_EQ(resized->sizes(), (torch::IntArrayRef{3, 16, 8}));
  EXPECT_EQ(ToPixels(*resized).rgb, ResizeBicubic(Pattern(5, 3).rgb, 5, 3, 8, 16));
  EXPECT_THAT(LoadResized("no picture", 8, 8), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(Image, AMaskIsTrueWhereThePictureIsLight) {
  const Pixels pixels{4, 1, {127, 127, 127, 128, 128, 128, 255, 0, 0, 0, 255, 0}};
  const auto mask = LoadMask(*EncodePng(pixels), 4, 1);
  ASSERT_THAT(mask, IsOk());
  // Red is dark and green is light.
  EXPECT_TRUE(torch::equal(*mask, torch::tensor({{false, true, false, true}})));
}

/// A wide or high picture whose middle third is red and whose ends are blue.
Pixels Striped(int width, int height) {
  Pixels pixels{width, height, {}};
  const int length = std::max(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int along = width > height ? x : y;
      const bool middle = along >= length / 3 && along < length - length / 3;
      const std::vector<uint8_t> colour =
          middle ? std::vector<uint8_t>{255, 0, 0} : std::vector<uint8_t>{0, 0, 255};
      pixels.rgb.insert(pixels.rgb.end(), colour.begin(), colour.end());
    }
  }
  return pixels;
}

TEST(Image, CroppingKeepsTheCentreSquare) {
  for (const auto& [width, height] : {std::pair(30, 10), std::pair(10, 30)}) {
    const auto square = LoadSquare(EncodePng(Striped(width, height)).value(), 8, Fit::kCrop);
    ASSERT_THAT(square, IsOk());
    EXPECT_EQ(square->sizes(), (torch::IntArrayRef{3, 8, 8}));
    EXPECT_TRUE((*square)[0].eq(1).all().item<bool>());
    EXPECT_TRUE((*square)[2].eq(0).all().item<bool>());
  }
}

TEST(Image, PaddingAddsWhiteBordersOfTheSameSize) {
  const auto wide = LoadSquare(EncodePng(Striped(30, 10)).value(), 30, Fit::kPad).value();
  EXPECT_TRUE(wide.narrow(1, 0, 10).eq(1).all().item<bool>());
  EXPECT_TRUE(wide.narrow(1, 20, 10).eq(1).all().item<bool>());
  EXPECT_EQ(ToPixels(wide.narrow(1, 10, 10)).rgb, Striped(30, 10).rgb);
  const auto high = LoadSquare(EncodePng(Striped(10, 30)).value(), 30, Fit::kPad).value();
  EXPECT_TRUE(high.narrow(2, 0, 10).eq(1).all().item<bool>());
  EXPECT_TRUE(high.narrow(2, 20, 10).eq(1).all().item<bool>());
  EXPECT_EQ(ToPixels(high.narrow(2, 10, 10)).rgb, Striped(10, 30).rgb);
}

TEST(Image, SqueezingIsTheAuthorsResizingAndASquareHasOneResult) {
  const Pixels wide = Pattern(31, 10);
  EXPECT_EQ(ResizeToSquare(wide.rgb, 31, 10, 16, Fit::kSqueeze),
            ResizeBicubic(wide.rgb, 31, 10, 16, 16));
  const Pixels square = Pattern(20, 20);
  const auto expected = ResizeBicubic(square.rgb, 20, 20, 16, 16);
  for (const Fit fit : {Fit::kSqueeze, Fit::kCrop, Fit::kPad}) {
    EXPECT_EQ(ResizeToSquare(square.rgb, 20, 20, 16, fit), expected);
    // Odd differences, and a side of one pixel.
    for (const auto& [width, height] : {std::pair(1, 9), std::pair(7, 2), std::pair(3, 4)}) {
      EXPECT_EQ(ResizeToSquare(Pattern(width, height).rgb, width, height, 5, fit).size(), 75u);
    }
  }
}

TEST(Image, MaskPngIsGreyscaleWithWhiteForeground) {
  const auto png = EncodeMaskPng(torch::tensor({true, false, false, true}).view({2, 2}));
  ASSERT_THAT(png, IsOk());
  const cv::Mat raw(1, static_cast<int>(png->size()), CV_8U, const_cast<char*>(png->data()));
  const cv::Mat mask = cv::imdecode(raw, cv::IMREAD_UNCHANGED);
  ASSERT_EQ(mask.type(), CV_8UC1);
  EXPECT_EQ(mask.at<uint8_t>(0, 0), 255);
  EXPECT_EQ(mask.at<uint8_t>(0, 1), 0);
  EXPECT_EQ(mask.at<uint8_t>(1, 1), 255);
}

TEST(Image, LoadSquareResizesBothWays) {
  const auto square = LoadSquare(EncodePng(Pattern(7, 3)).value(), 4);
  ASSERT_THAT(square, IsOk());
  EXPECT_EQ(square->sizes(), (torch::IntArrayRef{3, 4, 4}));
  EXPECT_TRUE(
      torch::equal(*square, ToTensor({4, 4, ResizeBicubic(Pattern(7, 3).rgb, 7, 3, 4, 4)})));
}

TEST(Image, AnythingButAPngIsRefused) {
  const std::string png = EncodePng(Pattern(40, 40)).value();
  std::string huge = png;
  huge[16] = 0x7f;  // width 0x7f000028, checked before anything is decoded
  const std::string gif = "GIF89a" + std::string(64, '\0');
  const std::string jpeg = "\xff\xd8\xff\xe0" + std::string(64, '\0');
  for (const auto& bytes :
       {std::string(), std::string("\x89PNG"), gif, jpeg, png.substr(0, 30), huge}) {
    EXPECT_THAT(DecodePng(bytes), HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(DecodePng(huge), HasMessage(HasSubstr("must have 1..64000000 pixels")));
}

TEST(ResizeBicubic, SameSizeIsTheSamePicture) {
  const auto pixels = Pattern(9, 4);
  EXPECT_EQ(ResizeBicubic(pixels.rgb, 9, 4, 9, 4), pixels.rgb);
}

TEST(ResizeBicubic, OnePixelFillsAnySize) {
  const std::vector<uint8_t> pixel = {1, 128, 255};
  const auto resized = ResizeBicubic(pixel, 1, 1, 3, 2);
  ASSERT_EQ(resized.size(), 18u);
  for (size_t i = 0; i < resized.size(); ++i) EXPECT_EQ(resized[i], pixel[i % 3]);
}

}  // namespace
}  // namespace vico::worker
