// Sizes of the networks in a single-file checkpoint, which has no config files. They follow from
// the shapes of its tensors, and where shapes do not tell, from the fixed values of Stable
// Diffusion 1.x.
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

/// Fixed are 8 heads in the U-Net and 12 in the text encoder, 32 groups in group norms, latents of
/// side 64 and their scale 0.18215. kInvalidArgument naming file and tensor if one is missing or
/// its shape does not fit.
absl::StatusOr<CompVisSizes> ReadCompVisSizes(const SafetensorsFile& file);

}  // namespace vico::worker
