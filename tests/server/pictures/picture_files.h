// Picture files for tests, valid and invalid.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "tests/server/pictures/png_files.h"

namespace vico::server {

/// [height, width] BGR, smooth and asymmetric. Each `variant` is another picture.
inline cv::Mat TestPicture(int width, int height, int variant = 0) {
  cv::Mat picture(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int wave = (x * (3 + variant) + y * (5 + 2 * variant)) * 96 / (width + height);
      picture.at<cv::Vec3b>(y, x) = {cv::saturate_cast<uchar>(x * 255 / width),
                                     cv::saturate_cast<uchar>(y * 255 / height),
                                     static_cast<uchar>(wave % 256)};
    }
  }
  return picture;
}

inline std::string Encoded(const cv::Mat& picture, const std::string& extension) {
  std::vector<uchar> bytes;
  if (!cv::imencode(extension, picture, bytes)) std::abort();
  return {bytes.begin(), bytes.end()};
}

inline cv::Mat Decoded(std::string_view bytes) {
  const std::vector<uchar> buffer(bytes.begin(), bytes.end());
  return cv::imdecode(buffer, cv::IMREAD_UNCHANGED);
}

}  // namespace vico::server
