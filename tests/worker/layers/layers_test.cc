// Packed weights against plain ones.
#include "worker/layers/layers.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "worker/model/torch.h"

namespace vico::worker {
namespace {

double Difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// A convolution and a linear layer, of sizes that oneDNN pads.
struct Layers : torch::nn::Module {
  explicit Layers(torch::ScalarType dtype) {
    at::manual_seed(1);
    conv = register_module("conv", Conv(20, 36, 3, /*stride=*/2, /*padding=*/1));
    pointwise = register_module("pointwise", Conv(20, 36, 1, /*stride=*/1, /*padding=*/0));
    linear = register_module("linear", Linear(50, 70));
    bare = register_module("bare", Linear(torch::nn::LinearOptions(50, 70).bias(false)));
    to(dtype);
    x = at::randn({2, 20, 18, 14}).to(dtype);
    tokens = at::randn({3, 11, 50}).to(dtype);
  }

  std::vector<torch::Tensor> Run() { return {conv(x), pointwise(x), linear(tokens), bare(tokens)}; }

  Conv conv{nullptr}, pointwise{nullptr};
  Linear linear{nullptr}, bare{nullptr};
  torch::Tensor x, tokens;
};

class PackedLayersTest : public testing::TestWithParam<torch::ScalarType> {
 protected:
  void SetUp() override {
    if (!CanPack(layers_->conv->weight)) GTEST_SKIP() << "this LibTorch or processor packs nothing";
  }

  std::shared_ptr<Layers> layers_ = std::make_shared<Layers>(GetParam());
};

TEST_P(PackedLayersTest, AgreeWithPlainOnes) {
  const at::NoGradGuard no_grad;
  const auto plain = layers_->Run();

  EXPECT_GT(PackWeights(*layers_), 0);

  const auto packed = layers_->Run();
  const bool half = GetParam() == torch::kBFloat16;
  EXPECT_EQ(packed[0].dtype(), plain[0].dtype());
  EXPECT_TRUE(packed[0].is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(packed[1].is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_LE(Difference(packed[0], plain[0]), half ? 0 : 1e-5);
  for (size_t i = 1; i < plain.size(); ++i) {
    // A unit in the last place of numbers below 4.
    EXPECT_LE(Difference(packed[i], plain[i]), half ? 0.016 : 1e-5) << i;
  }
}

TEST_P(PackedLayersTest, OneCopyServesEveryBatchAndLayout) {
  const at::NoGradGuard no_grad;
  PackWeights(*layers_);
  const auto two = layers_->conv(layers_->x);
  const auto first = layers_->conv(layers_->x.narrow(0, 0, 1));
  const auto last = layers_->conv(layers_->x.contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_LE(Difference(two.narrow(0, 0, 1), first), GetParam() == torch::kFloat32 ? 1e-5 : 0.016);
  EXPECT_LE(Difference(two, last), GetParam() == torch::kFloat32 ? 1e-5 : 0.016);
}

TEST_P(PackedLayersTest, GradientsComeFromThePlainWeights) {
  const auto plain = layers_->Run();
  PackWeights(*layers_);
  const auto again = layers_->Run();
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_TRUE(again[i].requires_grad());
    EXPECT_EQ(Difference(again[i].detach(), plain[i].detach()), 0) << i;
  }
}

TEST_P(PackedLayersTest, AChangedWeightIsUsedAsItIs) {
  const at::NoGradGuard no_grad;
  PackWeights(*layers_);

  layers_->conv->weight.zero_();
  layers_->linear->weight.set_data(at::zeros_like(layers_->linear->weight));

  EXPECT_EQ(Difference(layers_->conv(layers_->x)[0], layers_->conv->bias.view({-1, 1, 1})), 0);
  EXPECT_EQ(Difference(layers_->linear(layers_->tokens), layers_->linear->bias), 0);
}

TEST_P(PackedLayersTest, AnotherTypeDoesNotMeetTheOldCopy) {
  const at::NoGradGuard no_grad;
  PackWeights(*layers_);
  layers_->to(torch::kFloat64);
  const auto x = layers_->x.to(torch::kFloat64);
  const auto wanted = at::conv2d(x, layers_->conv->weight, layers_->conv->bias, 2, 1);
  EXPECT_EQ(Difference(layers_->conv(x), wanted), 0);
}

TEST(PackedLayersTest, KeepTheCheckpointsNames) {
  const auto layers = std::make_shared<Layers>(torch::kFloat32);
  PackWeights(*layers);
  std::vector<std::string> names;
  for (const auto& item : layers->named_parameters()) names.push_back(item.key());
  EXPECT_EQ(names, (std::vector<std::string>{"conv.weight", "conv.bias", "pointwise.weight",
                                             "pointwise.bias", "linear.weight", "linear.bias",
                                             "bare.weight"}));
}

INSTANTIATE_TEST_SUITE_P(Precisions, PackedLayersTest,
                         testing::Values(torch::kFloat32, torch::kBFloat16),
                         [](const auto& info) { return torch::toString(info.param); });

}  // namespace
}  // namespace vico::worker
