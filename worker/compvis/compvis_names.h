// Maps tensor names of a single-file checkpoint (CompVis' ldm) to those of the networks here, which
// are diffusers' and transformers'.
// Source: ldm openaimodel.py and model.py; recorded in tests/golden/compvis.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vico::worker {

enum class Network { kUNet, kVae, kText };

/// Numbers of parts, which the numbering of the names depends on.
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

/// The name inside its network; nullopt for a tensor that belongs to none of the three.
std::optional<std::string_view> WithoutPrefix(std::string_view name);

}  // namespace vico::worker
