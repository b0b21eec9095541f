#include "worker/towers/similarity.h"

#include <tuple>

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

/// The cosine of each row of `b` with each of `a`: [N, D], [M, D] -> [M, N].
torch::Tensor Cosines(const torch::Tensor& a, const torch::Tensor& b) {
  const auto rows_a = UnitRows(a);
  const auto rows_b = UnitRows(b);
  TORCH_CHECK(rows_a.size(1) == rows_b.size(1), "similarity: embeddings of ", rows_a.size(1),
              " and of ", rows_b.size(1), " numbers");
  return rows_b.matmul(rows_a.t());
}

}  // namespace

torch::Tensor ClipI(const torch::Tensor& real, const torch::Tensor& generated) {
  return Cosines(real, generated).mean(1);
}

torch::Tensor Dino(const torch::Tensor& real, const torch::Tensor& generated) {
  return Cosines(real, generated).mean(1);
}

torch::Tensor ClipT(const torch::Tensor& generated, const torch::Tensor& prompts) {
  TORCH_CHECK(prompts.size(0) == 1 || prompts.size(0) == generated.size(0),
              "similarity: ", prompts.size(0), " prompts of ", generated.size(0), " pictures");
  TORCH_CHECK(prompts.size(-1) == generated.size(-1), "similarity: embeddings of ",
              generated.size(-1), " and of ", prompts.size(-1), " numbers");
  return UnitRows(generated).mul(UnitRows(prompts)).sum(-1);
}

torch::Tensor NearestReal(const torch::Tensor& real, const torch::Tensor& generated) {
  return std::get<0>(Cosines(real, generated).max(1));
}

}  // namespace vico::worker
