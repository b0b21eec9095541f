#include "toyworld/scorer.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "common/status.h"
#include "toyworld/catalogue.h"
#include "toyworld/world.h"
#include "worker/io/tensors.h"

namespace vico::toyworld {
namespace {

constexpr int64_t kHidden = 256, kEmbedding = 64;

struct Layer {
  int64_t channels, stride;
};
constexpr Layer kLayers[] = {{32, 2}, {64, 1}, {64, 2}, {128, 1}, {128, 2}, {128, 1}, {96, 2}};

}  // namespace

ScorerImpl::ScorerImpl() {
  int64_t channels = 3;
  for (const Layer& layer : kLayers) {
    const size_t i = convolutions_.size();
    convolutions_.push_back(
        register_module(fmt::format("convolution{}", i),
                        torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, layer.channels, 3)
                                              .stride(layer.stride)
                                              .padding(1))));
    norms_.push_back(
        register_module(fmt::format("norm{}", i),
                        torch::nn::GroupNorm(torch::nn::GroupNormOptions(8, layer.channels))));
    channels = layer.channels;
  }
  const auto linear = [this](const char* name, int64_t in, int64_t out) {
    return register_module(name, torch::nn::Linear(in, out));
  };
  hidden_ = linear("hidden", channels * 4 * 4, kHidden);
  toy_class_ = linear("toy_class", kHidden, kClassCount);
  scene_ = linear("scene", kHidden, kSceneCount);
  colour1_ = linear("colour1", kHidden, kColourCount);
  colour2_ = linear("colour2", kHidden, kColourCount);
  pattern_ = linear("pattern", kHidden, kPatternCount);
  accessory_ = linear("accessory", kHidden, kClassCount * kAccessoryCount);
  embedding_ = linear("embedding", kHidden, kEmbedding);
}

Scores ScorerImpl::forward(const torch::Tensor& image01, torch::ScalarType compute) {
  torch::Tensor x = 2 * image01 - 1;
  for (size_t i = 0; i < convolutions_.size(); ++i) {
    torch::nn::Conv2dImpl& convolution = *convolutions_[i];
    x = at::conv2d(x.to(compute), convolution.weight.to(compute), convolution.bias.to(compute),
                   kLayers[i].stride, 1);
    x = at::relu(norms_[i](x.to(torch::kFloat)));
  }
  x = at::relu(hidden_(x.flatten(1)));  // [B, 256]
  Scores scores;
  scores.toy_class = toy_class_(x);
  scores.scene = scene_(x);
  scores.colour1 = colour1_(x);
  scores.colour2 = colour2_(x);
  scores.pattern = pattern_(x);
  scores.accessory = accessory_(x).view({-1, kClassCount, kAccessoryCount});
  const torch::Tensor e = embedding_(x);
  scores.embedding = e / e.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-6);
  return scores;
}

absl::StatusOr<Scorer> LoadScorer(const std::string& path) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  Scorer scorer;
  RETURN_IF_ERROR(LoadParameters(*scorer, file));
  scorer->eval();
  return scorer;
}

absl::Status SaveScorer(const Scorer& scorer, const std::string& path) {
  return SaveParameters(*scorer, path, torch::kHalf, {{"format", "vico-toyworld-scorer-1"}});
}

torch::Tensor ToImages01(const std::vector<cv::Mat>& pictures) {
  const auto n = static_cast<int64_t>(pictures.size());
  torch::Tensor bytes = torch::empty({n, kSide, kSide, 3}, torch::kUInt8);
  for (int64_t i = 0; i < n; ++i) {
    cv::Mat row(kSide, kSide, CV_8UC3, bytes[i].data_ptr());
    cv::resize(pictures[i], row, row.size(), 0, 0,
               pictures[i].cols > kSide ? cv::INTER_AREA : cv::INTER_LINEAR);
  }
  return bytes.permute({0, 3, 1, 2}).to(torch::kFloat).contiguous() / 255;
}

}  // namespace vico::toyworld
