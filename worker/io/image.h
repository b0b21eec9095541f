// Converts between PNG files, pixels and tensors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/io/resize.h"
#include "worker/model/torch.h"

namespace vico::worker {

struct Pixels {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  ///< row by row, 3 bytes a pixel
};

/// Size limit of a picture, in pixels; checked before decoding.
inline constexpr int64_t kMaxPixels = 64'000'000;

/// Decodes a PNG file to 8 bits a channel without alpha. kInvalidArgument for another format, a
/// broken file or more than kMaxPixels.
absl::StatusOr<Pixels> DecodePng(std::string_view bytes);

absl::StatusOr<std::string> EncodePng(const Pixels& pixels);

/// Pixels -> image01 [3, H, W] fp32, RGB in 0..1; and back, clamped and rounded to the nearest of
/// 256 levels.
torch::Tensor ToTensor(const Pixels& pixels);
Pixels ToPixels(const torch::Tensor& image01);

/// Decodes a PNG file and resizes it to a square as training does -> [3, side, side].
absl::StatusOr<torch::Tensor> LoadSquare(std::string_view bytes, int side, Fit fit = Fit::kSqueeze);

/// Decodes a PNG file and scales both sides -> image01 [3, height, width].
absl::StatusOr<torch::Tensor> LoadResized(std::string_view bytes, int width, int height);

/// The same -> bool [height, width], true where a pixel is light: 128..255 in Pillow's grey.
absl::StatusOr<torch::Tensor> LoadMask(std::string_view bytes, int width, int height);

/// image01 [3, H, W] -> PNG.
absl::StatusOr<std::string> EncodePng(const torch::Tensor& image01);

/// mask [h, w], bool or 0..1 -> greyscale PNG, foreground white.
absl::StatusOr<std::string> EncodeMaskPng(const torch::Tensor& mask);

}  // namespace vico::worker
