// The network that a scheduler calls: it predicts the noise in latents, with adapters and with
// classifier-free guidance. Source: ViCo, arXiv:2306.00971; the authors'
// DDIMSampler.p_sample_ddim. N rows (pictures).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/personalize/guided_row.h"
#include "worker/personalize/row_parts.h"

namespace vico::worker {

/// A row's prediction does not depend on the other rows, except for rounding: with mmagic's
/// dialect, whose U-Net call mixes the maps of a call's pictures, each row is a call with one
/// picture.
///
/// Rows share a pass through the U-Net, also those of several adapters and of the bare base model;
/// those that attend in mmagic's dialect have a pass of their own, since it computes the text
/// attention in another way. Rows that share adapter, prompt and timestep share the features of the
/// reference, which strength 0 does not need.
///
/// Should live as long as the denoising loop, see RowParts. `base` must outlive it.
class GuidedNetwork {
 public:
  /// For batches that make at most `most_rows` rows of the U-Net: halves times pictures.
  GuidedNetwork(Base& base, int64_t most_rows);

  /// latent [N, C, h, w], rows N -> the prediction [N, C, h, w] in fp32. Throws c10::Error.
  torch::Tensor operator()(const torch::Tensor& latent, std::span<const GuidedRow> rows);

 private:
  struct Pass;

  void Predict(const torch::Tensor& latent, std::span<const GuidedRow> rows,
               const std::vector<int64_t>& group, std::vector<torch::Tensor>& predicted);
  torch::Tensor Run(const torch::Tensor& x, const Pass& pass);
  std::vector<std::vector<SiteFeatures>> FeaturesOf(const Pass& pass);
  static std::vector<TargetRows> TargetsOf(const Pass& pass,
                                           const std::vector<std::vector<SiteFeatures>>& features,
                                           const TokenPositions& positions, const RowRange& range);

  Base& base_;
  RowParts parts_;
};

/// The rows of the U-Net that the rows make.
int64_t HalvesOf(std::span<const GuidedRow> rows);

}  // namespace vico::worker
