#include "worker/scorer/fidelity.h"

namespace vico::worker {

torch::Tensor ConceptFidelity(const torch::Tensor& real, const torch::Tensor& pictures) {
  const torch::Tensor mean = real.mean(0);
  return pictures.matmul(mean / mean.norm().clamp_min(1e-6));
}

std::vector<std::optional<double>> PromptFidelity(const torch::Tensor& scene,
                                                  const std::vector<std::optional<int>>& asked) {
  const torch::Tensor seen = scene.argmax(1);  // [M]
  std::vector<std::optional<double>> shows(asked.size());
  for (size_t i = 0; i < asked.size(); ++i) {
    if (!asked[i]) continue;
    shows[i] = seen[static_cast<int64_t>(i)].item<int64_t>() == *asked[i] ? 1 : 0;
  }
  return shows;
}

}  // namespace vico::worker
