#include "toyworld/evaluation/session.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace vico::toyworld {

cv::Mat Join(const std::vector<cv::Mat>& pictures, int columns) {
  const int side = pictures.front().cols, count = static_cast<int>(pictures.size());
  const int rows = (count + columns - 1) / columns;
  cv::Mat joined(rows * side, columns * side, CV_8UC3, cv::Scalar::all(255));
  for (int i = 0; i < count; ++i) {
    pictures[static_cast<size_t>(i)].copyTo(
        joined(cv::Rect(i % columns * side, i / columns * side, side, side)));
  }
  return joined;
}

std::vector<cv::Mat> Split(const cv::Mat& joined, int side, int count) {
  const int columns = joined.cols / side;
  std::vector<cv::Mat> pictures;
  pictures.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    pictures.push_back(
        joined(cv::Rect(i % columns * side, i / columns * side, side, side)).clone());
  }
  return pictures;
}

absl::StatusOr<cv::Mat> ReadPicture(const std::string& path) {
  cv::Mat picture = cv::imread(path, cv::IMREAD_COLOR);
  if (picture.empty()) return absl::NotFoundError(fmt::format("{}: cannot be read", path));
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  return picture;
}

}  // namespace vico::toyworld
