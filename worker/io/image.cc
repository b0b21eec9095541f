#include "worker/io/image.h"

#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "common/status.h"
#include "worker/io/resize.h"

namespace vico::worker {
namespace {

struct Size {
  int64_t width = 0;
  int64_t height = 0;
};

uint32_t BigEndian(std::string_view bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::optional<Size> PngSize(std::string_view bytes) {
  constexpr std::string_view kMagic("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  if (bytes.size() < 24 || bytes.substr(0, 16) != kMagic) return std::nullopt;
  return Size{BigEndian(bytes, 16, 4), BigEndian(bytes, 20, 4)};
}

/// From the first frame header; segments before it are skipped by their length.
std::optional<Size> JpegSize(std::string_view bytes) {
  if (!bytes.starts_with("\xff\xd8\xff")) return std::nullopt;
  for (size_t at = 2; at + 9 <= bytes.size() && bytes[at] == '\xff';) {
    const auto marker = static_cast<unsigned char>(bytes[at + 1]);
    if (marker == 0xFF) {  // padding
      ++at;
      continue;
    }
    const bool frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) return Size{BigEndian(bytes, at + 7, 2), BigEndian(bytes, at + 5, 2)};
    at += 2 + BigEndian(bytes, at + 2, 2);
  }
  return std::nullopt;
}

absl::StatusOr<std::string> Encode(const cv::Mat& image) {
  try {
    std::vector<uint8_t> bytes;
    if (cv::imencode(".png", image, bytes)) return std::string(bytes.begin(), bytes.end());
  } catch (const cv::Exception&) {
  }
  return absl::InternalError("picture cannot be encoded as PNG");
}

}  // namespace

absl::StatusOr<Pixels> DecodePicture(std::string_view bytes) {
  const auto png = PngSize(bytes);
  const auto size = png ? png : JpegSize(bytes);
  if (!size) return absl::InvalidArgumentError("picture: must be a PNG or JPEG file");
  if (size->width < 1 || size->height < 1 || size->width * size->height > kMaxPixels) {
    return absl::InvalidArgumentError(fmt::format("picture: must have 1..{} pixels, got {} x {}",
                                                  kMaxPixels, size->width, size->height));
  }
  cv::Mat decoded;
  try {
    const cv::Mat raw(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
    decoded = cv::imdecode(raw, cv::IMREAD_COLOR);
  } catch (const cv::Exception&) {
    decoded.release();
  }
  if (decoded.empty()) return absl::InvalidArgumentError("picture: cannot be decoded");
  Pixels pixels{decoded.cols, decoded.rows, {}};
  pixels.rgb.resize(decoded.total() * 3);
  cv::Mat rgb(decoded.rows, decoded.cols, CV_8UC3, pixels.rgb.data());
  cv::cvtColor(decoded, rgb, cv::COLOR_BGR2RGB);
  return pixels;
}

absl::StatusOr<std::string> EncodePng(const Pixels& pixels) {
  const cv::Mat rgb(pixels.height, pixels.width, CV_8UC3, const_cast<uint8_t*>(pixels.rgb.data()));
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  return Encode(bgr);
}

torch::Tensor ToTensor(const Pixels& pixels) {
  const auto bytes = torch::from_blob(const_cast<uint8_t*>(pixels.rgb.data()),
                                      {pixels.height, pixels.width, 3}, torch::kUInt8);
  return bytes.permute({2, 0, 1}).to(torch::kFloat32).div(255).contiguous();
}

Pixels ToPixels(const torch::Tensor& image01) {
  const auto bytes = image01.detach()
                         .to(torch::kCPU, torch::kFloat32)
                         .clamp(0, 1)
                         .mul(255)
                         .round()
                         .to(torch::kUInt8)
                         .permute({1, 2, 0})
                         .contiguous();  // [H, W, 3]
  const auto* data = bytes.data_ptr<uint8_t>();
  return {static_cast<int>(bytes.size(1)),
          static_cast<int>(bytes.size(0)),
          {data, data + bytes.numel()}};
}

absl::StatusOr<torch::Tensor> LoadSquare(std::string_view bytes, int side) {
  ASSIGN_OR_RETURN(const Pixels pixels, DecodePicture(bytes));
  return ToTensor({side, side, ResizeBicubic(pixels.rgb, pixels.width, pixels.height, side, side)});
}

absl::StatusOr<std::string> EncodePng(const torch::Tensor& image01) {
  return EncodePng(ToPixels(image01));
}

absl::StatusOr<std::string> EncodeMaskPng(const torch::Tensor& mask) {
  const auto bytes = mask.detach()
                         .to(torch::kCPU, torch::kFloat32)
                         .clamp(0, 1)
                         .mul(255)
                         .round()
                         .to(torch::kUInt8)
                         .contiguous();  // [h, w]
  return Encode(cv::Mat(static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8U,
                        bytes.data_ptr()));
}

}  // namespace vico::worker
