// What a picture must decode to: OpenCV's reading of it, turned by OpenCV.
#pragma once

#include <string>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "server/pictures/decoder/pixels.h"
#include "tests/server/pictures/picture_files.h"

namespace vico::server {

inline cv::Mat Upright(const cv::Mat& image, int orientation) {
  cv::Mat turned = image;
  if (orientation == 2) cv::flip(image, turned, 1);
  if (orientation == 3) cv::rotate(image, turned, cv::ROTATE_180);
  if (orientation == 4) cv::flip(image, turned, 0);
  if (orientation == 5) cv::transpose(image, turned);
  if (orientation == 6) cv::rotate(image, turned, cv::ROTATE_90_CLOCKWISE);
  if (orientation == 7) {
    cv::transpose(image, turned);
    cv::rotate(turned, turned, cv::ROTATE_180);
  }
  if (orientation == 8) cv::rotate(image, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
  return turned;
}

/// `stripped` decoded, 8 bits, over white, upright; empty when OpenCV does not decode it.
inline cv::Mat OpenCvReading(const std::string& stripped, int orientation) {
  cv::Mat image = Decoded(stripped);
  if (image.empty()) return image;
  if (image.depth() == CV_16U) image.convertTo(image, CV_8U, 1.0 / 257);
  cv::Mat bgr;
  if (image.channels() == 1) {
    cv::cvtColor(image, bgr, cv::COLOR_GRAY2BGR);
  } else if (image.channels() == 3) {
    bgr = image;
  } else {
    bgr.create(image.size(), CV_8UC3);
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < image.cols; ++x) {
        const auto pixel = image.at<cv::Vec4b>(y, x);
        for (int c = 0; c < 3; ++c) {
          bgr.at<cv::Vec3b>(y, x)[c] =
              static_cast<uchar>((pixel[c] * pixel[3] + 255 * (255 - pixel[3]) + 127) / 255);
        }
      }
    }
  }
  return Upright(bgr, orientation).clone();
}

inline bool SamePixels(const Pixels& pixels, const cv::Mat& expected) {
  return pixels.width == expected.cols && pixels.height == expected.rows &&
         expected.type() == CV_8UC3 && expected.isContinuous() &&
         std::equal(pixels.bgr.begin(), pixels.bgr.end(), expected.data,
                    expected.data + expected.total() * 3);
}

}  // namespace vico::server
