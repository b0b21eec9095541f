#include "worker/model/image_attention.h"

namespace vico::worker {
namespace {

struct Split {
  torch::Tensor v;          // [B, N], min-max of the map; NaN where the row is constant
  torch::Tensor threshold;  // [B, 1]
};

Split OtsuSplit(const torch::Tensor& attention) {
  constexpr int64_t kCandidates =
      9;  // 0.1 .. 0.9; the candidate 0 has an empty side and never wins
  const auto s = attention.detach().to(at::kFloat);
  const auto low_end = std::get<0>(s.min(-1, true));
  const auto high_end = std::get<0>(s.max(-1, true));
  const auto v = (s - low_end) / (high_end - low_end);  // [B, N]
  const auto n = static_cast<double>(s.size(-1));

  const auto taus = at::arange(1, kCandidates + 1, s.options().dtype(at::kDouble)).div(10.0);
  const auto tau = taus.to(at::kFloat);                        // [9]
  const auto low = v.unsqueeze(1).lt(tau.view({1, -1, 1}));    // [B, 9, N]
  const auto value = v.to(at::kDouble).unsqueeze(1);           // [B, 1, N]
  const auto count = low.sum(-1).to(at::kDouble);              // [B, 9]
  const auto sum_low = (value * low.to(at::kDouble)).sum(-1);  // [B, 9]
  const auto mean_low = sum_low / count;
  const auto mean_high = (value.sum(-1) - sum_low) / (n - count);
  const auto gain = (count / n) * ((n - count) / n) * (mean_low - mean_high).square();
  const auto usable = count.gt(0).logical_and(count.lt(n)).logical_and(gain.isfinite());
  const auto score = at::where(usable, gain, at::full_like(gain, -1.0));
  // The first maximum; gains that only the rounding of v, fp32, tells apart are equal.
  const auto top = std::get<0>(score.max(-1, true)) * (1 - 3e-7);  // [B, 1]
  const auto best = score.ge(top).to(at::kInt).argmax(-1);
  return {v, tau.index_select(0, best).unsqueeze(-1)};
}

}  // namespace

torch::Tensor OtsuMask(const torch::Tensor& attention) {
  const at::NoGradGuard no_grad;
  const auto [v, threshold] = OtsuSplit(attention);
  return v.lt(threshold).logical_not();  // NaN is foreground
}

torch::Tensor AdditiveOtsuMask(const torch::Tensor& attention) {
  const at::NoGradGuard no_grad;
  const auto [v, threshold] = OtsuSplit(attention);
  const auto above = v.le(threshold).logical_not();  // NaN is foreground
  return at::where(above, at::ones_like(v), at::where(v.eq(threshold), v, at::zeros_like(v)));
}

torch::Tensor MmagicAttention(const torch::Tensor& probabilities, int64_t pictures_per_call) {
  const int64_t rows = probabilities.size(0);
  const int64_t heads = probabilities.size(1);
  TORCH_CHECK(heads >= 2, "mmagic's dialect needs 2 heads or more at a site, got ", heads);
  TORCH_CHECK(pictures_per_call > 0 && rows % pictures_per_call == 0, rows,
              " rows are no whole number of calls of ", pictures_per_call, " pictures");
  const auto row = at::arange(rows, probabilities.options().dtype(at::kLong));
  const auto in_call = row.remainder(pictures_per_call);
  // A call's targets are the first M * H flattened rows, so row M + i < 2 M is always a target's.
  const auto chosen = (row - in_call) * heads + pictures_per_call + in_call;
  return probabilities.flatten(0, 1).index_select(0, chosen);
}

torch::Tensor AttentionRegularizer(const SiteFeatures& site) {
  const auto s = site.placeholder / std::get<0>(site.placeholder.max(-1, true));
  const auto e = site.end / std::get<0>(site.end.max(-1, true));
  return (s - e.detach()).square().mean();
}

std::vector<int64_t> PaperSites(int64_t encoder_and_middle, int64_t total) {
  std::vector<int64_t> sites;
  for (int64_t i = encoder_and_middle; i < total; ++i) {
    if (i % 2 == 0) sites.push_back(i);
  }
  return sites;
}

std::vector<int64_t> MmagicSites(int64_t encoder_and_middle, int64_t total) {
  std::vector<int64_t> sites;
  for (const int64_t site : PaperSites(encoder_and_middle, total)) {
    if (site + 1 < total) sites.push_back(site + 1);
  }
  return sites;
}

std::vector<int64_t> SitesOf(Dialect dialect, int64_t encoder_and_middle, int64_t total) {
  return dialect == Dialect::kPaper ? PaperSites(encoder_and_middle, total)
                                    : MmagicSites(encoder_and_middle, total);
}

}  // namespace vico::worker
