// Sizes of the networks in a single-file checkpoint, which has no config files: from the shapes of
// its tensors, and Stable Diffusion 1.x's rules for what shapes do not show.
#pragma once

#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"
#include "worker/model/config.h"

namespace vico::worker {

struct CompVisSizes {
  UNetConfig unet;
  VaeConfig vae;
  ClipTextConfig text;
};

/// By rule: 8 heads in the U-Net and 12 in the text encoder, 32 groups in group norms, latents of
/// side 64 scaled by 0.18215. kInvalidArgument naming file and tensor when one is missing, or has a
/// shape that breaks a rule.
absl::StatusOr<CompVisSizes> ReadCompVisSizes(const SafetensorsFile& file);

}  // namespace vico::worker
