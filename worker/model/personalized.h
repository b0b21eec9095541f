// The two streams of ViCo through one frozen U-Net: the reference is read, the target looks at it.
// Source: ViCo, arXiv:2306.00971; the authors' UNetModel.forward and SpatialTransformer.forward;
// mmagic's ViCoUNet2DConditionModel.forward and ViCoTransformer2D.forward.
// The reference never receives anything from the target, so it is run once and its site features
// are shared. B batch, c text width, L text tokens.
#pragma once

#include <vector>

#include "worker/model/adapter.h"
#include "worker/model/image_attention.h"
#include "worker/model/unet.h"

namespace vico::worker {

/// Columns of the text attention that matter, one a row, int64 [B].
struct TokenPositions {
  torch::Tensor placeholder;  ///< of the placeholder; of the end token in a prompt without one
  torch::Tensor end;          ///< of the first end-of-text token
};

/// Runs the reference stream up to the last site.
///   latent [B, C, h, w] scaled, never noised; timestep [B]; text [B, L, c]
/// Without positions (mmagic has no use for the reference's maps) the tokens alone are found.
/// Returns one entry a site, in the order of `sites` (ascending transformer indices).
std::vector<SiteFeatures> RunReference(UNet& unet, const std::vector<int64_t>& sites,
                                       const torch::Tensor& latent, const torch::Tensor& timestep,
                                       const torch::Tensor& text, const TokenPositions& positions);

enum class KeyMask { kOtsu, kNone };

/// How the target looks at its reference.
struct Look {
  Dialect dialect = Dialect::kPaper;
  KeyMask mask = KeyMask::kOtsu;
  int64_t pictures_per_call = 1;  ///< of mmagic's alone, see MmagicAttention()

  /// Those RunReference() needs.
  TokenPositions ReferencePositions(const TokenPositions& positions) const {
    return dialect == Dialect::kPaper ? positions : TokenPositions{};
  }
};

struct TargetPass {
  torch::Tensor predicted;         ///< [B, C, h, w]
  std::vector<SiteFeatures> seen;  ///< one a site: its maps made the mask and are regularised
};

/// The U-Net on the target, with the adapter's blocks at their sites. `features` has the target's
/// batch, or batch 1 for all rows; `positions` are read with mmagic's dialect alone, whose maps are
/// the target's.
TargetPass RunTarget(UNet& unet, Adapter& adapter, const Look& look,
                     const std::vector<SiteFeatures>& features, const torch::Tensor& latent,
                     const torch::Tensor& timestep, const torch::Tensor& text,
                     const TokenPositions& positions);

/// The prediction alone, in the paper's dialect.
torch::Tensor RunTarget(UNet& unet, Adapter& adapter, const std::vector<SiteFeatures>& features,
                        KeyMask mask, const torch::Tensor& latent, const torch::Tensor& timestep,
                        const torch::Tensor& text);

}  // namespace vico::worker
