#include "worker/towers/tower_pictures.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/io/resize.h"

namespace vico::worker {
namespace {

absl::StatusOr<Pixels> Resized(const Pixels& pixels, const PictureConfig& config) {
  int64_t width = config.width, height = config.height;
  if (config.shortest_edge > 0) {
    const int64_t shorter = std::min(pixels.width, pixels.height);
    const int64_t longer = std::max(pixels.width, pixels.height);
    width = height = config.shortest_edge;
    // Cut off, not rounded.
    (pixels.width > pixels.height ? width : height) = config.shortest_edge * longer / shorter;
  }
  if (width * height > kMaxPixels) {
    return absl::InvalidArgumentError(
        fmt::format("picture: is too narrow: {} x {} pixels would be resized to {} x {}",
                    pixels.width, pixels.height, width, height));
  }
  const auto new_width = static_cast<int>(width), new_height = static_cast<int>(height);
  const auto resize =
      config.filter == PictureConfig::Filter::kBicubic ? ResizeBicubic : ResizeBilinear;
  return Pixels{new_width, new_height,
                resize(pixels.rgb, pixels.width, pixels.height, new_width, new_height)};
}

}  // namespace

absl::StatusOr<torch::Tensor> PreparePicture(const Pixels& pixels, const PictureConfig& config) {
  ASSIGN_OR_RETURN(Pixels resized, Resized(pixels, config));
  const auto bytes =
      torch::from_blob(resized.rgb.data(), {resized.height, resized.width, 3}, torch::kUInt8);
  const int64_t width = config.result_width(), height = config.result_height();
  const auto centre = bytes.narrow(0, (resized.height - height) / 2, height)
                          .narrow(1, (resized.width - width) / 2, width);  // [H, W, 3]
  const auto image01 = centre.to(torch::kFloat64).mul(config.rescale).to(torch::kFloat32);
  const auto normal = image01.sub(torch::tensor(config.mean, torch::kFloat32))
                          .div(torch::tensor(config.std, torch::kFloat32));
  return normal.permute({2, 0, 1}).contiguous();
}

}  // namespace vico::worker
