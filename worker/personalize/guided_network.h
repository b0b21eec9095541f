// The network a scheduler sees: the noise in N latents, with the adapter and with guidance.
// Source: ViCo, arXiv:2306.00971; the authors' DDIMSampler.p_sample_ddim. N pictures, L text
// tokens.
#pragma once

#include <optional>
#include <vector>

#include "worker/personalize/generator.h"
#include "worker/personalize/row_parts.h"

namespace vico::worker {

/// The dialect is that of `personal`. With mmagic's, which calls its U-Net once a half, every row
/// stands for a call with one picture: so a seed's picture does not depend on the others.
///
/// Lives as long as the denoising loop, see RowParts. `base`, `personal` (null: the bare base
/// model) and `options` must outlive it.
class GuidedNetwork {
 public:
  GuidedNetwork(Base& base, Personalization* personal, const GenerateOptions& options);

  /// latent [N, C, h, w], at most one a seed -> the prediction [N, C, h, w] in fp32.
  torch::Tensor operator()(const torch::Tensor& latent, double timestep);

 private:
  torch::Tensor Times(int64_t rows, double timestep) const;
  std::vector<SiteFeatures> Reference(double timestep, int64_t pictures);

  Base& base_;
  Personalization* personal_;
  const GenerateOptions& options_;
  Look look_;
  bool guided_ = true;
  torch::Tensor text_;  // [1 or 2, L, D], unconditional first
  std::optional<RowParts> parts_;
  TokenPositions positions_;  // as text_
};

}  // namespace vico::worker
