// ViCo's image attention: the latent looks at a reference image of the thing.
// Source: ViCo, arXiv:2306.00971; the authors' SpatialTransformer (ldm/modules/attention.py).
// The block itself is a TransformerBlock whose context is the reference's tokens: [B, N, d] both.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/model/attention.h"

namespace vico {

/// What one site of the reference stream leaves for the target stream. B may be 1 and is then
/// shared by all rows.
struct SiteFeatures {
  torch::Tensor tokens;       ///< [B, N, d] output of the text block
  torch::Tensor placeholder;  ///< [B, N] attention to the placeholder, mean over heads, 0..1
  torch::Tensor end;          ///< [B, N] attention to the first end-of-text token, likewise
};

/// Otsu's threshold as the authors compute it: v = min-max of `attention`, the first of the ten
/// candidates k/10 with the largest between-class variance; foreground is v >= threshold.
/// A constant row is all foreground. No host synchronisation, no gradient.
///   attention [B, N] -> bool [B, N]
torch::Tensor OtsuMask(const torch::Tensor& attention);

/// mean_j (s_j / max s - stopgrad(e_j / max e))^2 for one site, a scalar.
torch::Tensor AttentionRegularizer(const SiteFeatures& site);

/// The even indices among the decoder's transformers, counted in execution order from the encoder's
/// first: the authors' sites (8, 10, 12, 14 on Stable Diffusion 1.x).
std::vector<int64_t> PaperSites(int64_t encoder_and_middle, int64_t total);

}  // namespace vico
