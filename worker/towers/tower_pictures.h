// Turns a picture into the input of a tower, as the Pillow variant of transformers' image
// processors does, to the same 32 bits.
#pragma once

#include <absl/status/statusor.h>

#include "worker/io/image.h"
#include "worker/towers/tower_config.h"

namespace vico::worker {

/// Returns [3, result_height, result_width], fp32, normalised. The resizing is that of Pillow up to
/// version 12 and rounds to bytes; version 13 resizes rows before columns where the height shrinks
/// much more than the width, which changes some bytes. kInvalidArgument if a picture is so narrow
/// that it has more than kMaxPixels after resizing.
absl::StatusOr<torch::Tensor> PreparePicture(const Pixels& pixels, const PictureConfig& config);

}  // namespace vico::worker
