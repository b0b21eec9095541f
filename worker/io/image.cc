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

absl::StatusOr<std::string> Encode(const cv::Mat& image) {
  try {
    std::vector<uint8_t> bytes;
    if (cv::imencode(".png", image, bytes)) return std::string(bytes.begin(), bytes.end());
  } catch (const cv::Exception&) {
  }
  return absl::InternalError("picture cannot be encoded as PNG");
}

}  // namespace

absl::StatusOr<Pixels> DecodePng(std::string_view bytes) {
  const auto size = PngSize(bytes);
  if (!size) return absl::InvalidArgumentError("picture: must be a PNG file");
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

namespace {

absl::StatusOr<Pixels> DecodeResized(std::string_view bytes, int width, int height) {
  ASSIGN_OR_RETURN(Pixels pixels, DecodePng(bytes));
  return Pixels{width, height,
                ResizeBicubic(pixels.rgb, pixels.width, pixels.height, width, height)};
}

/// Source: Pillow's Convert.c, mode "L".
uint32_t Grey(const uint8_t* rgb) {
  return (rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U + 0x8000U) >> 16;
}

}  // namespace

absl::StatusOr<torch::Tensor> LoadSquare(std::string_view bytes, int side, Fit fit) {
  ASSIGN_OR_RETURN(const Pixels pixels, DecodePng(bytes));
  return ToTensor({side, side, ResizeToSquare(pixels.rgb, pixels.width, pixels.height, side, fit)});
}

absl::StatusOr<torch::Tensor> LoadResized(std::string_view bytes, int width, int height) {
  ASSIGN_OR_RETURN(const Pixels pixels, DecodeResized(bytes, width, height));
  return ToTensor(pixels);
}

absl::StatusOr<torch::Tensor> LoadMask(std::string_view bytes, int width, int height) {
  ASSIGN_OR_RETURN(const Pixels pixels, DecodeResized(bytes, width, height));
  auto mask = torch::empty({height, width}, torch::kBool);
  bool* light = mask.data_ptr<bool>();
  for (size_t i = 0; i < pixels.rgb.size(); i += 3) light[i / 3] = Grey(&pixels.rgb[i]) >= 128;
  return mask;
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
