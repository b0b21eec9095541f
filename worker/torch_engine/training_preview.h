// Samples and masks that a training reports while it runs.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "worker/engine/engine.h"
#include "worker/engine/loaded_base.h"
#include "worker/model/adapter.h"
#include "worker/personalize/guided_network.h"

namespace vico::worker {

/// Keeps references to the constructor's arguments.
class TrainingPreview {
 public:
  /// pictures01 [P, 3, h, w] in 0..1, the concept's pictures.
  TrainingPreview(LoadedBase& loaded, const v1::TrainSpec& spec, const torch::Tensor& pictures01,
                  const TrainCallbacks& callbacks)
      : loaded_(loaded), spec_(spec), pictures01_(pictures01), callbacks_(callbacks) {}

  /// Draws a sample of each prompt, if the spec asks for samples, and the masks with the adapter as
  /// it is. False if a callback stopped it. Warns once instead of drawing samples if the base
  /// model's scheduler cannot. Throws NonFinite.
  absl::StatusOr<bool> Draw(Adapter& adapter, int64_t step);

  /// Draws the samples of step 0, if the spec asks for them: the base model's, with the init word
  /// in place of the placeholder.
  absl::StatusOr<bool> DrawFirst();

 private:
  absl::StatusOr<bool> Samples(Adapter* adapter, int64_t step);
  absl::StatusOr<bool> Sample(Personalization* personal, int prompt_index, int64_t step);
  std::string SamplePrompt(int prompt_index) const;
  uint64_t SampleSeed(int prompt_index) const;
  std::string SampleScheduler() const;
  absl::Status Masks(Adapter& adapter, int64_t step);

  LoadedBase& loaded_;
  const v1::TrainSpec& spec_;
  const torch::Tensor& pictures01_;
  const TrainCallbacks& callbacks_;
  bool draws_samples_ = true;
  torch::Tensor reference_;  // computed for the first sample
};

}  // namespace vico::worker
