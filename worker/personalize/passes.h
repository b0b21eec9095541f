// Where a generation gets its turns on a device that other jobs use, too: for the passes through
// the U-Net and for the rest, such as decoding.
#pragma once

#include <span>

#include "worker/personalize/device_turns.h"
#include "worker/personalize/guided_network.h"

namespace vico::worker {

/// Used by the thread of one generation.
class Passes {
 public:
  virtual ~Passes() = default;

  /// Waits for a turn for other work than a prediction.
  virtual DeviceTurns::Turn Take() = 0;

  /// The prediction of `rows` in a turn; `own` is the generation's network. Throws what the network
  /// throws for these rows.
  virtual torch::Tensor Predict(GuidedNetwork& own, const torch::Tensor& latent,
                                std::span<const GuidedRow> rows) = 0;
};

/// A turn for each prediction, with no other rows in it: the bits are those of a job that runs
/// alone.
class OwnPasses final : public Passes {
 public:
  /// `turns` must outlive the object.
  explicit OwnPasses(DeviceTurns& turns) : turns_(turns) {}

  DeviceTurns::Turn Take() override { return turns_.Take(Work::kGeneration); }
  torch::Tensor Predict(GuidedNetwork& own, const torch::Tensor& latent,
                        std::span<const GuidedRow> rows) override;

 private:
  DeviceTurns& turns_;
};

/// Waits for a GPU if a training waits for the turn, so that the turn's length is that of its work.
void FinishFor(const DeviceTurns& turns, const torch::Tensor& predicted);

}  // namespace vico::worker
