// A small network that looks at a picture of the toy world and says what is in it: the figures of
// reports and of the base model's checks. It plays the part that CLIP and DINO have for Stable
// Diffusion. Letters: B pictures.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <opencv2/core.hpp>

#include "worker/model/torch.h"

namespace vico::toyworld {

/// Logits, and the embedding that tells one toy from another of its class.
struct Scores {
  torch::Tensor toy_class;  ///< [B, 10]
  torch::Tensor scene;      ///< [B, 9]
  torch::Tensor colour1;    ///< [B, 12], of the body
  torch::Tensor colour2;    ///< [B, 12], of secondary parts and pattern
  torch::Tensor pattern;    ///< [B, 4]
  torch::Tensor accessory;  ///< [B, 10, 4]: for each class the toy could be of
  torch::Tensor embedding;  ///< [B, 64], length 1
};

class ScorerImpl : public torch::nn::Module {
 public:
  ScorerImpl();

  /// image01 [B, 3, 64, 64] fp32 in 0..1. Convolutions run in `compute`, all else in fp32.
  Scores forward(const torch::Tensor& image01, torch::ScalarType compute = torch::kFloat);

 private:
  std::vector<torch::nn::Conv2d> convolutions_;
  std::vector<torch::nn::GroupNorm> norms_;
  torch::nn::Linear hidden_{nullptr};
  torch::nn::Linear toy_class_{nullptr}, scene_{nullptr}, colour1_{nullptr}, colour2_{nullptr},
      pattern_{nullptr}, accessory_{nullptr}, embedding_{nullptr};
};
TORCH_MODULE(Scorer);

/// kNotFound or kInvalidArgument as worker/io says. The file is fp16, the network fp32.
absl::StatusOr<Scorer> LoadScorer(const std::string& path);
absl::Status SaveScorer(const Scorer& scorer, const std::string& path);

/// Pictures of any size, [h, w, 3] uint8 RGB, resized to 64x64 without cropping, as ViCo does with
/// its concepts: [B, 3, 64, 64] fp32 in 0..1.
torch::Tensor ToImages01(const std::vector<cv::Mat>& pictures);

}  // namespace vico::toyworld
