// Group norm against its formula in double precision.
#include "worker/layers/group_norm.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "worker/model/torch.h"

namespace vico::worker {
namespace {

constexpr int64_t kGroups = 4;
constexpr int64_t kChannels = 24;

torch::Tensor ChannelsLast(const torch::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

GroupNorm RandomNorm() {
  GroupNorm norm(kGroups, kChannels, 1e-5);
  const at::NoGradGuard no_grad;
  for (auto& parameter : norm->parameters()) parameter.normal_();
  return norm;
}

torch::Tensor Exact(const torch::Tensor& x, GroupNorm& norm) {
  const auto parameters = norm->parameters();
  return at::group_norm(x.to(at::kDouble).contiguous(), kGroups, parameters[0].to(at::kDouble),
                        parameters[1].to(at::kDouble), 1e-5);
}

bool IsClose(const torch::Tensor& found, const torch::Tensor& exact, double relative,
             double absolute) {
  return at::allclose(found.to(at::kDouble), exact, relative, absolute);
}

class ChannelsLastNormTest : public testing::TestWithParam<double> {
 protected:
  ChannelsLastNormTest() {
    at::manual_seed(1);
    // Several blocks of pixels, the last of them short, in 2 pictures.
    x_ = ChannelsLast(at::randn({2, kChannels, 19, 31}) + GetParam());
    norm_ = RandomNorm();
  }

  torch::Tensor x_;
  GroupNorm norm_{nullptr};
};

TEST_P(ChannelsLastNormTest, IsExactInFp32) {
  const at::NoGradGuard no_grad;
  const auto y = norm_(x_);
  EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  // The mean has an error of some units in fp32's last place, which a weight of up to 3 multiplies.
  EXPECT_TRUE(IsClose(y, Exact(x_, norm_), 1e-6, 2e-6 + 3e-7 * GetParam()));
}

TEST_P(ChannelsLastNormTest, RoundsOnceInBfloat16) {
  const at::NoGradGuard no_grad;
  const auto half = x_.to(at::kBFloat16);
  norm_->to(at::kBFloat16);
  const auto y = norm_(half);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(IsClose(y, Exact(half, norm_), 1.0 / 256 + 1e-5, 1e-5));
}

INSTANTIATE_TEST_SUITE_P(Means, ChannelsLastNormTest, testing::Values(0.0, 30.0, 300.0));

// bfloat16 group norm is wrong on CPUs in LibTorch 1.13, worst on smooth pictures with a mean.
TEST(GroupNormTest, IsAccurateInBfloat16OnASmoothPictureWithAMean) {
  const auto ramp = at::linspace(0, 1, 64);
  auto x = (ramp.unsqueeze(0) + ramp.unsqueeze(1)).expand({2, 16, 64, 64}).clone() + 5;
  x = x * at::linspace(0.5, 2, 16).view({1, 16, 1, 1});
  GroupNorm norm(4, 16, 1e-5);
  const auto exact = norm(x.to(at::kBFloat16).to(at::kFloat));
  norm->to(at::kBFloat16);
  const auto half = norm(x.to(at::kBFloat16)).to(at::kFloat);
  EXPECT_LT(((half - exact).norm() / exact.norm()).item<double>(), 0.01);
}

TEST(GroupNormTest, ALayoutWithChannelsLastGivesTheSameNumbers) {
  const at::NoGradGuard no_grad;
  GroupNorm norm = RandomNorm();
  const auto x = at::randn({1, kChannels, 5, 7});
  EXPECT_TRUE(IsClose(norm(ChannelsLast(x)), norm(x).to(at::kDouble), 1e-5, 1e-5));
  EXPECT_TRUE(IsClose(norm->Silu(ChannelsLast(x)), at::silu(norm(x)).to(at::kDouble), 1e-5, 1e-5));
}

TEST(GroupNormTest, TheNumberOfThreadsChangesNoBit) {
  const at::NoGradGuard no_grad;
  GroupNorm norm(kGroups, 32, 1e-5);
  const auto x = ChannelsLast(at::randn({1, 32, 300, 300}));
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = norm(x);
  at::set_num_threads(3);
  const auto three = norm(x);
  at::set_num_threads(threads);
  EXPECT_TRUE(one.equal(three));
}

TEST(GroupNormTest, WhatIsNotFiniteStaysSo) {
  const at::NoGradGuard no_grad;
  GroupNorm norm = RandomNorm();
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const double bad : {std::nan(""), HUGE_VAL}) {
      auto x = ChannelsLast(at::randn({1, kChannels, 4, 4}));
      x[0][0][1][2] = bad;
      EXPECT_FALSE(norm(x.to(dtype)).isfinite().all().item<bool>());
    }
  }
}

TEST(GroupNormTest, GradientsFlowInEachLayout) {
  GroupNorm norm = RandomNorm();
  const auto x = at::randn({1, kChannels, 4, 4});
  const auto gradient = [&](const torch::Tensor& like) {
    auto leaf = like.detach().requires_grad_();
    norm->Silu(leaf).square().sum().backward();
    return leaf.grad();
  };
  EXPECT_TRUE(IsClose(gradient(ChannelsLast(x)), gradient(x).to(at::kDouble), 1e-4, 1e-4));
}

}  // namespace
}  // namespace vico::worker
