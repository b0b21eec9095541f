#include "worker/scorer/scorer.h"

#include <opencv2/imgproc.hpp>

namespace vico::worker {
namespace {

constexpr int64_t kFine = 48, kMiddle = 96, kCoarse = 128;  // channels at 32x32, 16x16, 8x8
constexpr int64_t kTones = 64, kLight = 32;
constexpr int64_t kHidden = 256, kEmbedding = 64;

// Mean of the features [B, C, h, w] under each weight [B, K, h, w]: [B, K, C].
torch::Tensor Pool(const torch::Tensor& features, const torch::Tensor& weights) {
  const torch::Tensor flat = weights.flatten(2);
  const torch::Tensor sums = flat.matmul(features.flatten(2).transpose(1, 2));
  return sums / flat.sum(2, /*keepdim=*/true).clamp_min(1e-3);
}

torch::Tensor Halved(const torch::Tensor& x) { return at::avg_pool2d(x, {2, 2}); }

torch::Tensor Doubled(const torch::Tensor& x) {
  return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
}

}  // namespace

ConvNormImpl::ConvNormImpl(int64_t in, int64_t out, int64_t stride) : stride_(stride) {
  convolution_ = register_module(
      "convolution",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1)));
  norm_ = register_module("norm", torch::nn::GroupNorm(torch::nn::GroupNormOptions(8, out)));
}

torch::Tensor ConvNormImpl::forward(const torch::Tensor& x, torch::ScalarType compute) {
  const torch::Tensor y = at::conv2d(x.to(compute), convolution_->weight.to(compute),
                                     convolution_->bias.to(compute), stride_, 1);
  return norm_(y.to(torch::kFloat));
}

ScorerImpl::ScorerImpl() {
  const auto conv = [this](const char* name, int64_t in, int64_t out, int64_t stride = 1) {
    return register_module(name, ConvNorm(in, out, stride));
  };
  const auto point = [this](const char* name, int64_t in, int64_t out) {
    return register_module(name, torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 1)));
  };
  const auto linear = [this](const char* name, int64_t in, int64_t out) {
    return register_module(name, torch::nn::Linear(in, out));
  };
  stem_ = conv("stem", 12, kFine);
  fine1_ = conv("fine1", kFine, kFine);
  fine2_ = conv("fine2", kFine, kFine);
  halve1_ = conv("halve1", kFine, kMiddle, 2);
  middle1_ = conv("middle1", kMiddle, kMiddle);
  middle2_ = conv("middle2", kMiddle, kMiddle);
  halve2_ = conv("halve2", kMiddle, kCoarse, 2);
  coarse1_ = conv("coarse1", kCoarse, kCoarse);
  coarse2_ = conv("coarse2", kCoarse, kCoarse);
  widen1_ = point("widen1", kCoarse, kMiddle);
  join1_ = conv("join1", kMiddle, kMiddle);
  widen2_ = point("widen2", kMiddle, kFine);
  join2_ = conv("join2", kFine, kFine);
  parts_ = point("parts", kFine, kPartCount);
  tone1_ = point("tone1", 12, kTones);
  tone2_ = point("tone2", kTones, kTones);
  light_ = linear("light", kCoarse, kLight);
  namer1_ = linear("namer1", kTones + kLight, kTones);
  namer2_ = linear("namer2", kTones, kScorerColours);
  constexpr int kSeen =
      2 * kCoarse + 2 * kMiddle + kPaintCount * kFine + kPaintCount * kTones + kPartCount;
  hidden_ = linear("hidden", kSeen, kHidden);
  toy_class_ = linear("toy_class", kHidden, kScorerClasses);
  scene_ = linear("scene", kHidden, kScorerScenes);
  pattern_ = linear("pattern", kHidden, kScorerPatterns);
  accessory_ = linear("accessory", kHidden, int64_t{kScorerClasses} * kScorerAccessories);
  embedding_ = linear("embedding", kHidden, kEmbedding);
}

Scores ScorerImpl::forward(const torch::Tensor& image01, torch::ScalarType compute) {
  const auto residual = [compute](ConvNorm& first, ConvNorm& second, const torch::Tensor& x) {
    return at::relu(x + second(at::relu(first(x, compute)), compute));
  };
  const torch::Tensor x = at::pixel_unshuffle(2 * image01 - 1, 2);  // [B, 12, 32, 32]
  const torch::Tensor fine = residual(fine1_, fine2_, at::relu(stem_(x, compute)));
  const torch::Tensor middle = residual(middle1_, middle2_, at::relu(halve1_(fine, compute)));
  const torch::Tensor coarse = residual(coarse1_, coarse2_, at::relu(halve2_(middle, compute)));
  const torch::Tensor middle_up =
      at::relu(join1_(middle + Doubled(widen1_(coarse)), compute));  // [B, 96, 16, 16]
  const torch::Tensor fine_up =
      at::relu(join2_(fine + Doubled(widen2_(middle_up)), compute));  // [B, 48, 32, 32]

  Scores scores;
  scores.parts = parts_(fine_up);
  const torch::Tensor parts = at::softmax(scores.parts, 1);
  const torch::Tensor paints =
      parts.narrow(1, kBody, kPaintCount).square();  // squared: favours positions with a clear part
  const torch::Tensor toy = 1 - parts.narrow(1, kScenery, 1);
  const torch::Tensor where16 = Halved(at::cat({toy, parts.narrow(1, kBody, 1)}, 1));
  const torch::Tensor where8 = Halved(where16.narrow(1, 0, 1));

  const torch::Tensor tones = Pool(at::relu(tone2_(at::relu(tone1_(x)))), paints);  // [B, 3, 64]
  const torch::Tensor whole = coarse.mean({2, 3});                                  // [B, 128]
  const torch::Tensor light = light_(whole).unsqueeze(1).expand({-1, kPaintCount, -1});
  scores.colours = namer2_(at::relu(namer1_(at::cat({tones, light}, 2))));

  scores.features = at::relu(
      hidden_(at::cat({whole, Pool(coarse, where8).flatten(1), Pool(middle_up, where16).flatten(1),
                       Pool(fine_up, paints).flatten(1), tones.flatten(1), 8 * parts.mean({2, 3})},
                      1)));
  scores.toy_class = toy_class_(scores.features);
  scores.scene = scene_(scores.features);
  scores.pattern = pattern_(scores.features);
  scores.accessory = accessory_(scores.features).view({-1, kScorerClasses, kScorerAccessories});
  const torch::Tensor e = embedding_(scores.features);
  scores.embedding = e / e.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-6);
  return scores;
}

torch::Tensor ToImages01(const std::vector<cv::Mat>& pictures) {
  const auto n = static_cast<int64_t>(pictures.size());
  torch::Tensor bytes = torch::empty({n, kScorerSide, kScorerSide, 3}, torch::kUInt8);
  for (int64_t i = 0; i < n; ++i) {
    cv::Mat row(kScorerSide, kScorerSide, CV_8UC3, bytes[i].data_ptr());
    cv::resize(pictures[i], row, row.size(), 0, 0,
               pictures[i].cols > kScorerSide ? cv::INTER_AREA : cv::INTER_LINEAR);
  }
  return bytes.permute({0, 3, 1, 2}).to(torch::kFloat).contiguous() / 255;
}

}  // namespace vico::worker
