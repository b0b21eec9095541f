#include "toyworld/charts/contact_sheet.h"

#include <fstream>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace vico::toyworld {

absl::Status WritePicture(const std::string& path, const cv::Mat& picture) {
  cv::Mat bgr = picture;
  if (picture.channels() == 3) cv::cvtColor(picture, bgr, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> png;
  if (!cv::imencode(".png", bgr, png)) return absl::InternalError("PNG encoding failed");
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
  file.close();
  if (!file) return absl::UnavailableError(fmt::format("{}: cannot be written", path));
  return absl::OkStatus();
}

}  // namespace vico::toyworld
