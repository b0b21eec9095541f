// A digest of the sizes that an adapter depends on: adapters of base models with equal digests fit
// each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/model/unet.h"

namespace vico::worker {

/// 64 hexadecimal digits; docs/adapter-format.md defines them. `transformers` are UNet's.
std::string ShapeDigest(int64_t text_width, int64_t latent_channels,
                        const std::vector<TransformerSite>& transformers);

}  // namespace vico::worker
