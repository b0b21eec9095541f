// One step of ViCo's training on given rows: losses, gradients and the optimizer's update. Source:
// ViCo, arXiv:2306.00971; the authors' LatentDiffusion.p_losses. B rows, C latent channels, h and w
// the latent's sides. The rows may be placed on several devices, each with a copy of the adapter:
// the first device adds up the gradients, in the order of the rows, and makes the optimizer's
// update, and the other devices get the new parameters.
#pragma once

#include <string>
#include <vector>

#include <torch/optim/adamw.h>

#include "worker/personalize/row_parts.h"
#include "worker/train/trainer.h"

namespace vico::worker {

/// The inputs of a step.
struct TrainRows {
  torch::Tensor target, reference;   ///< [B, C, h, w] latents, scaled
  torch::Tensor timestep;            ///< [B] int64
  torch::Tensor noise;               ///< [B, C, h, w] standard normal, for the target only
  std::vector<std::string> prompts;  ///< B, with `word`
  std::string word = "S*";           ///< what stands for the learned word in them
};

/// Losses as in StepReport, and the gradient of every trainable parameter.
struct Gradients {
  double loss = 0, loss_reg = 0;
  std::vector<torch::Tensor> values;  ///< in the order of adapter->parameters()
};

/// Should exist as long as the training loop, see RowParts. `base`, `adapter` and `options` must
/// outlive it.
class TrainingStep {
 public:
  TrainingStep(Base& base, Adapter& adapter, const TrainOptions& options);

  /// Losses and gradients of at most options.batch_size rows, which are on the base's device, as
  /// the gradients are. In both dialects each row is computed like a batch of one, and the losses
  /// are averaged. Throws c10::Error.
  Gradients Compute(const TrainRows& rows) const;

  /// Makes AdamW's step number `step`, 0..options.steps - 1.
  void Apply(Gradients gradients, int64_t step);

  /// Copies the state after `steps` steps, 1 or more, and restores it. See training_state.h.
  TrainingState Copy(int64_t steps) const;
  void Restore(const TrainingState& state);

 private:
  // A device's networks.
  struct Place {
    Base* base;
    Adapter adapter;  // of the first place the trained one, of the others a copy
  };

  void UpdateCopies();

  Adapter& adapter_;
  const TrainOptions& options_;
  std::vector<Place> places_;
  torch::optim::AdamW optimizer_;
  RowParts parts_;
};

}  // namespace vico::worker
