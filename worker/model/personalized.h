// ViCo's two streams through one frozen U-Net: the reference stream yields features, which the
// target stream attends to. Source: ViCo, arXiv:2306.00971; the authors' UNetModel.forward and
// SpatialTransformer.forward; mmagic's ViCoUNet2DConditionModel.forward and
// ViCoTransformer2D.forward. The reference does not depend on the target, so its features can be
// computed once and shared. B batch, c text width, L text tokens.
#pragma once

#include <vector>

#include "worker/model/adapter.h"
#include "worker/model/image_attention.h"
#include "worker/model/unet.h"

namespace vico::worker {

/// The columns of the text attention that ViCo uses, one for each row, int64 [B].
struct TokenPositions {
  torch::Tensor placeholder;  ///< the placeholder's; the end token's in a prompt without it
  torch::Tensor end;          ///< the first end-of-text token's
};

/// Runs the reference stream up to the last site.
///   latent [B, C, h, w] scaled, never noised; timestep [B]; text [B, L, c]
/// Without positions (mmagic does not use the reference's maps) returns the tokens only.
/// Returns one entry for each site, in the order of `sites` (ascending transformer indices).
std::vector<SiteFeatures> RunReference(UNet& unet, const std::vector<int64_t>& sites,
                                       const torch::Tensor& latent, const torch::Tensor& timestep,
                                       const torch::Tensor& text, const TokenPositions& positions);

enum class KeyMask { kOtsu, kNone };

/// How the target attends to its reference.
struct Look {
  Dialect dialect = Dialect::kPaper;
  KeyMask mask = KeyMask::kOtsu;
  int64_t pictures_per_call = 1;  ///< in mmagic's dialect, see MmagicAttention()
  double strength = 1;            ///< weight of what a block adds to its input; 1: ViCo's own

  /// The positions that RunReference() needs.
  TokenPositions ReferencePositions(const TokenPositions& positions) const {
    return dialect == Dialect::kPaper ? positions : TokenPositions{};
  }
};

struct TargetPass {
  torch::Tensor predicted;         ///< [B, C, h, w]
  std::vector<SiteFeatures> seen;  ///< one for each site; its maps define mask and regulariser
};

/// The U-Net on the target, with the adapter's blocks at their sites. `features` has the target's
/// batch, or batch 1 for all rows. `positions` are read in mmagic's dialect only, whose maps are
/// the target's.
TargetPass RunTarget(UNet& unet, Adapter& adapter, const Look& look,
                     const std::vector<SiteFeatures>& features, const torch::Tensor& latent,
                     const torch::Tensor& timestep, const torch::Tensor& text,
                     const TokenPositions& positions);

/// Neighbouring rows of a batch that attend to their references with the same blocks.
struct TargetRows {
  int64_t count = 0;         ///< of the batch's rows, 1 or more
  Adapter adapter{nullptr};  ///< null: rows of the bare base model
  Look look = {};
  std::vector<SiteFeatures> features = {};  ///< one for each of the adapter's sites, `count` rows
  TokenPositions positions = {};            ///< `count` rows; read in mmagic's dialect only
};

/// RunTarget() for rows with several adapters: one pass through the U-Net, in which the blocks of a
/// site run for each adapter's rows. The counts of `rows` add up to B. Returns [B, C, h, w].
torch::Tensor RunTargets(UNet& unet, std::vector<TargetRows> rows, const torch::Tensor& latent,
                         const torch::Tensor& timestep, const torch::Tensor& text);

}  // namespace vico::worker
