// ViCo's training loop: trains a placeholder's embedding and the image attention on 2 to 20
// pictures. Source: ViCo, arXiv:2306.00971; the authors' LatentDiffusion.p_losses and
// v1-finetune.yaml. P pictures, h and w their sides in pixels.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "worker/model/adapter.h"
#include "worker/personalize/base.h"
#include "worker/train/training_state.h"

namespace vico::worker {

struct TrainOptions {
  Dialect dialect = Dialect::kPaper;
  std::vector<int64_t> sites;  ///< indices of transformers, ascending; empty: the dialect's
  int64_t steps = 400;
  int64_t batch_size = 1;
  int64_t devices = 1;  ///< that compute the rows of a step: the base's and its first replicas'
  double embedding_learning_rate = 5e-3;
  double attention_learning_rate = 1e-5;
  bool cosine_rates = false;         ///< both rates fall to 0 along half a cosine; else constant
  double regularizer_weight = 5e-4;  ///< of the sum over the sites
  double min_snr_gamma = 0;          ///< see Schedule::MinSnrWeights; 0: equal weights
  KeyMask mask = KeyMask::kOtsu;
  BlockStart start = BlockStart::kDefault;
  std::string init_word;  ///< one token of the base's tokenizer
  uint64_t seed = 0;
};

struct StepReport {
  int64_t step = 0;     ///< 1..steps: done so far
  double loss = 0;      ///< mean squared error of the noise, unweighted
  double loss_reg = 0;  ///< regulariser, summed over the sites, before its weight

  /// Copies the training's state; may be called during OnStep only.
  std::function<TrainingState()> state = {};
};

struct PictureMask {
  int64_t picture = 0;   ///< 0..P-1
  int64_t timestep = 0;  ///< at which it was read
  torch::Tensor mask;    ///< [side, side] bool, on the CPU; true is foreground
  double coverage = 0;   ///< 0..1
  std::string site;
};

/// Called after every step, on the calling thread, with the current adapter; false stops the
/// training.
using OnStep = std::function<bool(const StepReport&, Adapter&)>;

/// The state that a training resumes from.
struct TrainStart {
  const TrainingState& state;  ///< of the same training, or the weights of an adapter
  /// Called on the calling thread before the next step, with the restored adapter; false stops the
  /// training.
  std::function<bool(Adapter&)> on_restored = {};
};

/// pictures01 [P, 3, h, w] in 0..1, P at least 1. Returns the adapter after all steps, or after the
/// step at which a callback stopped. Resumes from `start` and then, unless it has weights only,
/// ends with the same bits as without the interruption, on the same kind of device with the same
/// number of threads. On CPUs the number of devices does not change the bits; on GPUs it changes
/// the order in which numbers are added. Throws c10::Error, also for an init word that is not one
/// token, a state that does not fit or more devices than there are; NonFinite if the base model
/// alone gives numbers that are not finite.
Adapter TrainAdapter(Base& base, const torch::Tensor& pictures01, const TrainOptions& options,
                     const OnStep& on_step, const TrainStart* start = nullptr);

/// The Otsu masks of the pictures for "a photo of a {}", with the learned word, at each of the
/// timesteps, without any at the middle one: for each site, the finest last, one mask for each
/// picture. They come from the clean picture as reference or, in mmagic's dialect, from the noised
/// picture as target.
std::vector<PictureMask> LearnedMasks(Base& base, Adapter& adapter, const torch::Tensor& pictures01,
                                      Dialect dialect = Dialect::kPaper,
                                      std::vector<int64_t> timesteps = {});

}  // namespace vico::worker
