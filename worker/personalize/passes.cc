#include "worker/personalize/passes.h"

namespace vico::worker {

torch::Tensor OwnPasses::Predict(GuidedNetwork& own, const torch::Tensor& latent,
                                 std::span<const GuidedRow> rows) {
  const auto turn = Take();
  auto predicted = own(latent, rows);
  FinishFor(turns_, predicted);
  return predicted;
}

void FinishFor(const DeviceTurns& turns, const torch::Tensor& predicted) {
  if (predicted.is_cuda() && turns.waiting(Work::kTraining) > 0) predicted.flatten()[0].item();
}

}  // namespace vico::worker
