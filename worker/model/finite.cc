#include "worker/model/finite.h"

#include <cmath>

namespace vico::worker {

bool IsFinite(const torch::Tensor& tensor) {
  const torch::NoGradGuard no_grad;
  // A sum is finite only if every number is. Large finite numbers may have an infinite sum.
  const auto wide = tensor.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  if (std::isfinite(tensor.sum(wide).item<double>())) return true;
  return tensor.isfinite().all().item<bool>();
}

}  // namespace vico::worker
