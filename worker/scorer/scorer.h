// A small network that recognises toy, scene and colours in a picture of the toy world (toyworld/).
// Evaluations of the toy world's base model measure with it, as CLIP and DINO are used for Stable
// Diffusion. It predicts for every position to which part of the toy it belongs and classifies the
// colour of each part from the mean over that part. B pictures.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

#include "worker/model/torch.h"

namespace vico::worker {

/// The parts of a picture, in the order of Scores::parts.
enum Part { kScenery, kBody, kSecondary, kAccent, kUnpainted };  // unpainted: eyes, windows, tyres
constexpr int kPartCount = 5;
constexpr int kPartSide = 32;  ///< side of the grid of parts
constexpr int kPaintCount = 3;

// What it tells apart; toyworld/world/catalogue.h names them.
constexpr int kScorerSide = 64;  ///< side of its pictures, in pixels
constexpr int kScorerClasses = 10;
constexpr int kScorerColours = 12;
constexpr int kScorerPatterns = 4;
constexpr int kScorerAccessories = 4;
constexpr int kScorerScenes = 9;

/// Logits, and an embedding that distinguishes toys of one class.
struct Scores {
  torch::Tensor toy_class;  ///< [B, 10]
  torch::Tensor scene;      ///< [B, 9]
  torch::Tensor colours;    ///< [B, 3, 12], of the body; of secondary parts and pattern; of accents
  torch::Tensor pattern;    ///< [B, 4]
  torch::Tensor accessory;  ///< [B, 10, 4], for each class
  torch::Tensor parts;      ///< [B, 5, 32, 32]
  torch::Tensor embedding;  ///< [B, 64], length 1
  torch::Tensor features;   ///< [B, 256], 0 or more; input of all classifiers but the colours'
};

/// 3x3 convolution and group norm.
class ConvNormImpl : public torch::nn::Module {
 public:
  ConvNormImpl(int64_t in, int64_t out, int64_t stride = 1);
  /// The convolution runs in `compute`, everything else in fp32.
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

  /// image01 [B, 3, 64, 64] fp32 in 0..1. Convolutions run in `compute`, everything else in fp32.
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

/// Pictures of any size, [h, w, 3] uint8 RGB, resized to 64x64 without cropping, as ViCo resizes
/// its concepts -> [B, 3, 64, 64] fp32 in 0..1.
torch::Tensor ToImages01(const std::vector<cv::Mat>& pictures);

}  // namespace vico::worker
