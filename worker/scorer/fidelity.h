// How well pictures show a toy and the scenes that were asked for, as the scorer sees them.
#pragma once

#include <optional>
#include <vector>

#include "worker/scorer/scorer.h"

namespace vico::worker {

/// The cosine of each picture's embedding with the mean embedding of the `real` pictures:
/// [N, 64], [M, 64] -> [M], -1..1.
torch::Tensor ConceptFidelity(const torch::Tensor& real, const torch::Tensor& pictures);

/// 1 for each picture that shows the scene it was asked for, else 0; nothing for one that was asked
/// for no scene. `scene` are the pictures' logits, [M, scenes].
std::vector<std::optional<double>> PromptFidelity(const torch::Tensor& scene,
                                                  const std::vector<std::optional<int>>& asked);

}  // namespace vico::worker
