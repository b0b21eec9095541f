// A small network that looks at a picture of the toy world and says what is in it: the figures of
// reports and of the base model's checks. It plays the part that CLIP and DINO have for Stable
// Diffusion. It first says of every place to which part of the toy it belongs, and then names what
// it sees there: a colour is the mean colour of its part, not of the picture. Letters: B pictures.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <opencv2/core.hpp>

#include "worker/model/torch.h"

namespace vico::toyworld {

/// What a place of a picture belongs to, in the order of Scores::parts.
enum Part { kScenery, kBody, kSecondary, kAccent, kUnpainted };  // unpainted: eyes, windows, tyres
constexpr int kPartCount = 5;
constexpr int kPartSide = 32;  ///< the parts' grid
constexpr int kPaintCount = 3;

/// Logits, and the embedding that tells one toy from another of its class.
struct Scores {
  torch::Tensor toy_class;  ///< [B, 10]
  torch::Tensor scene;      ///< [B, 9]
  torch::Tensor colours;    ///< [B, 3, 12], of the body; of secondary parts and pattern; of accents
  torch::Tensor pattern;    ///< [B, 4]
  torch::Tensor accessory;  ///< [B, 10, 4]: for each class the toy could be of
  torch::Tensor parts;      ///< [B, 5, 32, 32]
  torch::Tensor embedding;  ///< [B, 64], length 1
  torch::Tensor features;   ///< [B, 256], 0 or more: what all but the colours are told from
};

/// 3x3 convolution and group norm.
class ConvNormImpl : public torch::nn::Module {
 public:
  ConvNormImpl(int64_t in, int64_t out, int64_t stride = 1);
  /// The convolution runs in `compute`, all else in fp32.
  torch::Tensor forward(const torch::Tensor& x, torch::ScalarType compute);

 private:
  int64_t stride_;
  torch::nn::Conv2d convolution_{nullptr};
  torch::nn::GroupNorm norm_{nullptr};
};
TORCH_MODULE(ConvNorm);

class ScorerImpl : public torch::nn::Module {
 public:
  ScorerImpl();

  /// image01 [B, 3, 64, 64] fp32 in 0..1. Convolutions run in `compute`, all else in fp32.
  Scores forward(const torch::Tensor& image01, torch::ScalarType compute = torch::kFloat);

 private:
  ConvNorm stem_{nullptr}, fine1_{nullptr}, fine2_{nullptr};              // 32x32
  ConvNorm halve1_{nullptr}, middle1_{nullptr}, middle2_{nullptr};        // 16x16
  ConvNorm halve2_{nullptr}, coarse1_{nullptr}, coarse2_{nullptr};        // 8x8
  torch::nn::Conv2d widen1_{nullptr}, widen2_{nullptr}, parts_{nullptr};  // 1x1
  ConvNorm join1_{nullptr}, join2_{nullptr};                              // back up
  torch::nn::Conv2d tone1_{nullptr}, tone2_{nullptr};                     // 1x1, of colours
  torch::nn::Linear light_{nullptr}, namer1_{nullptr}, namer2_{nullptr};  // tone -> name
  torch::nn::Linear hidden_{nullptr};
  torch::nn::Linear toy_class_{nullptr}, scene_{nullptr}, pattern_{nullptr}, accessory_{nullptr},
      embedding_{nullptr};
};
TORCH_MODULE(Scorer);

/// kNotFound or kInvalidArgument as worker/io says. The file is fp16, the network fp32.
absl::StatusOr<Scorer> LoadScorer(const std::string& path);
absl::Status SaveScorer(const Scorer& scorer, const std::string& path);

/// Pictures of any size, [h, w, 3] uint8 RGB, resized to 64x64 without cropping, as ViCo does with
/// its concepts: [B, 3, 64, 64] fp32 in 0..1.
torch::Tensor ToImages01(const std::vector<cv::Mat>& pictures);

}  // namespace vico::toyworld
