#include "toyworld/evaluation/metrics.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>

#include "toyworld/world/random.h"

namespace vico::toyworld {
namespace {

constexpr double kLeastRoom = 0.05;
constexpr int kResamples = 4000;

torch::Tensor Covariance(const torch::Tensor& rows) {  // [N, D] -> [D, D]
  const torch::Tensor centred = rows - rows.mean(0, /*keepdim=*/true);
  return centred.t().matmul(centred) / static_cast<double>(rows.size(0) - 1);
}

// Square root of a positive semidefinite matrix. Eigenvalues that rounding made negative count as
// 0.
torch::Tensor Root(const torch::Tensor& matrix) {
  const auto [values, vectors] = at::linalg_eigh(matrix);
  return (vectors * values.clamp_min(0).sqrt()).matmul(vectors.t());
}

}  // namespace

double FrechetDistance(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  const torch::Tensor cx = Covariance(x), cy = Covariance(y);
  // (C_a C_b)^(1/2) has the trace of (C_a^(1/2) C_b C_a^(1/2))^(1/2), which is symmetric.
  const torch::Tensor root = Root(cx);
  const torch::Tensor cross = at::linalg_eigvalsh(root.matmul(cy).matmul(root));
  const torch::Tensor distance = (x.mean(0) - y.mean(0)).square().sum() + cx.trace() + cy.trace() -
                                 2 * cross.clamp_min(0).sqrt().sum();
  return std::max(0.0, distance.item<double>());
}

double MaskIou(const cv::Mat& seen, const cv::Mat& real) {
  cv::Mat fitted;
  cv::resize(real, fitted, seen.size(), 0, 0, cv::INTER_AREA);
  const cv::Mat a = seen >= 128, b = fitted >= 128;
  const int either = cv::countNonZero(a | b);
  return either == 0 ? 1.0 : static_cast<double>(cv::countNonZero(a & b)) / either;
}

std::optional<double> ScaledFidelity(double value, double bare, double truth) {
  if (truth - bare < kLeastRoom) return std::nullopt;
  return (value - bare) / (truth - bare);
}

Interval Bootstrap(const std::vector<double>& values, uint64_t seed) {
  if (values.empty()) return {};
  const int n = static_cast<int>(values.size());
  Interval interval{.count = n};
  for (const double v : values) interval.mean += v / n;
  Random random(seed);
  std::vector<double> means(kResamples);
  for (double& mean : means) {
    for (int i = 0; i < n; ++i) mean += values[static_cast<size_t>(random.Below(n))] / n;
  }
  std::sort(means.begin(), means.end());
  interval.low = means[kResamples * 25 / 1000];
  interval.high = means[kResamples * 975 / 1000];
  return interval;
}

}  // namespace vico::toyworld
