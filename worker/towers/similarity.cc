#include "worker/towers/similarity.h"

namespace vico::worker {
namespace {

/// The rows with length 1, in fp64.
torch::Tensor UnitRows(const torch::Tensor& embeddings) {
  TORCH_CHECK(embeddings.dim() == 2 && embeddings.size(0) > 0,
              "similarity: embeddings must be [N, D], got ", embeddings.sizes());
  const auto rows = embeddings.detach().to(at::kDouble);
  const auto length = rows.norm(2, -1, /*keepdim=*/true);  // [N, 1]
  TORCH_CHECK(length.gt(0).logical_and(length.isfinite()).all().item<bool>(),
              "similarity: an embedding has no direction");
  return rows / length;
}

/// The mean of the dot products of all pairs is the dot product of the means.
double MeanOfAllPairs(const torch::Tensor& a, const torch::Tensor& b) {
  const auto mean_a = UnitRows(a).mean(0);
  const auto mean_b = UnitRows(b).mean(0);
  TORCH_CHECK(mean_a.sizes() == mean_b.sizes(), "similarity: embeddings of ", mean_a.size(0),
              " and of ", mean_b.size(0), " numbers");
  return mean_a.dot(mean_b).item<double>();
}

}  // namespace

double ClipI(const torch::Tensor& real, const torch::Tensor& generated) {
  return MeanOfAllPairs(real, generated);
}

double Dino(const torch::Tensor& real, const torch::Tensor& generated) {
  return MeanOfAllPairs(real, generated);
}

double ClipT(const torch::Tensor& generated, const torch::Tensor& prompts) {
  TORCH_CHECK(prompts.size(0) == 1 || prompts.size(0) == generated.size(0),
              "similarity: ", prompts.size(0), " prompts of ", generated.size(0), " pictures");
  TORCH_CHECK(prompts.size(-1) == generated.size(-1), "similarity: embeddings of ",
              generated.size(-1), " and of ", prompts.size(-1), " numbers");
  return UnitRows(generated).mul(UnitRows(prompts)).sum(-1).mean().item<double>();
}

}  // namespace vico::worker
