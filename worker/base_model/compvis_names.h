// Names of the tensors in a single-file checkpoint (CompVis' ldm) -> those of our networks
// (diffusers', transformers').
// Source: ldm openaimodel.py and model.py; recorded in tests/golden/compvis.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vico::worker {

enum class Network { kUNet, kVae, kText };

/// How many parts there are, which the names count through.
struct CompVisLayout {
  int64_t unet_layers_per_block = 2;
  int64_t vae_levels = 4;
};

struct CompVisName {
  Network network = Network::kUNet;
  std::string name;
};

/// nullopt for a name outside the three networks, or one that has no equivalent.
std::optional<CompVisName> FromCompVis(std::string_view name, const CompVisLayout& layout);

/// What a checkpoint may hold besides: averaged weights, buffers of the noise schedule.
bool IsIgnoredInCheckpoint(std::string_view name);

}  // namespace vico::worker
