#include "toyworld/scorer/part_map.h"

namespace vico::toyworld {
namespace {

// A part's outline has 0.38 of its colour, and shading takes another factor of 0.6: a larger share
// of a primary colour means that the pixel is inside the part.
constexpr double kPainted = 0.2;

torch::Tensor Planes(const cv::Mat& image, int channels) {  // [C, 64, 64] in 0..1
  return at::from_blob(image.data, {image.rows, image.cols, channels}, at::kByte)
             .permute({2, 0, 1})
             .to(at::kFloat) /
         255;
}

}  // namespace

torch::Tensor TruePartMap(const std::function<Drawing(const Instance&)>& draw,
                          const Instance& instance) {
  Instance black = instance, primary = instance;
  for (int i = 0; i < kPaintCount; ++i) black.paint[i].rgb = {0, 0, 0};
  primary.paint[0].rgb = {255, 0, 0};
  primary.paint[1].rgb = {0, 255, 0};
  primary.paint[2].rgb = {0, 0, 255};
  const Drawing dark = draw(black), bright = draw(primary);
  const torch::Tensor paint =  // [3, 64, 64]
      (Planes(bright.image, 3) - Planes(dark.image, 3)).clamp_min(0);
  const torch::Tensor sum = paint.sum(0, /*keepdim=*/true);
  const torch::Tensor toy = Planes(dark.mask, 1);
  const torch::Tensor painted = (sum / kPainted).clamp_max(1) * toy;
  const torch::Tensor full =
      at::cat({1 - toy, paint / sum.clamp_min(1e-3) * painted, toy - painted});
  return at::avg_pool2d(full.unsqueeze(0), {kSide / kPartSide, kSide / kPartSide}).squeeze(0);
}

}  // namespace vico::toyworld
