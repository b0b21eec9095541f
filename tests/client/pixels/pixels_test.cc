#include "client/pixels/pixels.h"

#include <string>

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>

#include "tests/support/status_matchers.h"

namespace vico::client {
namespace {

Pixels Stripes() {
  Pixels pixels;
  pixels.width = 3;
  pixels.height = 2;
  for (int i = 0; i < 18; ++i) pixels.rgb.push_back(static_cast<std::uint8_t>(14 * i));
  return pixels;
}

std::string EncodedByOpenCv(const cv::Mat& picture) {
  std::vector<uchar> png;
  cv::imencode(".png", picture, png);
  return {png.begin(), png.end()};
}

TEST(PixelsTest, AnotherReaderSeesTheSamePixels) {
  const auto png = EncodePng(Stripes());
  ASSERT_THAT(png, IsOk());
  const cv::Mat bgr =
      cv::imdecode(std::vector<uchar>(png->begin(), png->end()), cv::IMREAD_UNCHANGED);
  ASSERT_EQ(bgr.size(), cv::Size(3, 2));
  EXPECT_EQ(bgr.at<cv::Vec3b>(0, 1), cv::Vec3b(5 * 14, 4 * 14, 3 * 14));
  EXPECT_EQ(bgr.at<cv::Vec3b>(1, 2), cv::Vec3b(17 * 14, 16 * 14, 15 * 14));
}

TEST(PixelsTest, WhatWasWrittenIsRead) {
  const auto pixels = DecodePng(*EncodePng(Stripes()));
  ASSERT_THAT(pixels, IsOk());
  EXPECT_EQ(pixels->width, 3);
  EXPECT_EQ(pixels->height, 2);
  EXPECT_EQ(pixels->rgb, Stripes().rgb);
}

TEST(PixelsTest, GreyBecomesRgbAndWhiteShowsThrough) {
  const auto grey = DecodePng(EncodedByOpenCv(cv::Mat(1, 1, CV_8UC1, cv::Scalar(90))));
  ASSERT_THAT(grey, IsOk());
  EXPECT_EQ(grey->rgb, (std::vector<std::uint8_t>{90, 90, 90}));
  const auto clear = DecodePng(EncodedByOpenCv(cv::Mat(1, 1, CV_8UC4, cv::Scalar(1, 2, 3, 0))));
  ASSERT_THAT(clear, IsOk());
  EXPECT_EQ(clear->rgb, (std::vector<std::uint8_t>{255, 255, 255}));
}

TEST(PixelsTest, OtherAndDamagedFilesAreRefused) {
  const std::string png = *EncodePng(Stripes());
  std::string huge = png;
  huge.replace(16, 8, std::string("\0\0\xff\xff\0\0\xff\xff", 8));
  for (const std::string& bytes :
       {std::string(), std::string("PNG"), png.substr(0, png.size() / 2), huge}) {
    EXPECT_THAT(DecodePng(bytes), HasCode(absl::StatusCode::kInvalidArgument)) << bytes.size();
  }
}

}  // namespace
}  // namespace vico::client
