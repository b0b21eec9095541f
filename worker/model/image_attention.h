// ViCo's image attention: the target's latent attends to a reference image of the concept.
// Source: ViCo, arXiv:2306.00971; the authors' SpatialTransformer (ldm/modules/attention.py), and
// for the other dialect mmagic's ViCoTransformer2D (models/editors/vico/vico_utils.py).
// The block itself is a TransformerBlock whose context is the reference's tokens: [B, N, d] both.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/model/attention.h"

namespace vico::worker {

/// The authors' ViCo, or mmagic's port. docs/decisions/002 lists the differences.
enum class Dialect { kPaper, kMmagic };

/// What the target attends to at one site, and the text attention's maps for the mask. B may be 1
/// and is then shared by all rows.
struct SiteFeatures {
  torch::Tensor tokens;       ///< [B, N, d] the reference's, after the text block
  torch::Tensor placeholder;  ///< [B, N] attention to the placeholder, 0..1: of the reference, mean
                              ///< over heads; with mmagic of one head of the target
  torch::Tensor end;          ///< [B, N] attention to the first end-of-text token, likewise
};

/// Otsu's threshold as the authors compute it: v = min-max of `attention`, the first of the ten
/// candidates k/10 with the largest between-class variance; foreground is v >= threshold.
/// A constant row is all foreground. No host synchronisation, no gradient.
///   attention [B, N] -> bool [B, N]
torch::Tensor OtsuMask(const torch::Tensor& attention);

/// The same threshold as mmagic applies it, to be added to the logits: 1 above the threshold, 0
/// below, the threshold itself where v equals it. A constant row is 1, which changes nothing
/// (mmagic makes it NaN).
///   attention [B, N] -> fp32 [B, N]
torch::Tensor AdditiveOtsuMask(const torch::Tensor& attention);

/// The text attention mmagic takes its maps from. It cuts rows M..2M-1 out of a tensor whose rows
/// are (sample, head) and whose first M samples are the targets of one call: picture i of a call
/// gets head (M + i) mod H of the call's target (M + i) / H; with M = 1 its own head 1.
///   probabilities [B, H, N, L] of the target only, H at least 2; M = pictures_per_call divides B
///   -> [B, N, L]
torch::Tensor MmagicAttention(const torch::Tensor& probabilities, int64_t pictures_per_call);

/// mean_j (s_j / max s - stopgrad(e_j / max e))^2 for one site, a scalar.
torch::Tensor AttentionRegularizer(const SiteFeatures& site);

/// The even indices among the decoder's transformers, counted in execution order from the encoder's
/// first: the authors' sites (8, 10, 12, 14 on Stable Diffusion 1.x).
std::vector<int64_t> PaperSites(int64_t encoder_and_middle, int64_t total);

/// The same flags as mmagic's port assigns them: listed for encoder, middle, decoder, applied in
/// the order in which diffusers registers its blocks: encoder, decoder, middle. So each falls one
/// transformer later (9, 11, 13, 15). One that falls on the middle is left out, for mmagic cannot
/// run it: its middle block does not receive the prompt's positions.
std::vector<int64_t> MmagicSites(int64_t encoder_and_middle, int64_t total);

std::vector<int64_t> SitesOf(Dialect dialect, int64_t encoder_and_middle, int64_t total);

}  // namespace vico::worker
