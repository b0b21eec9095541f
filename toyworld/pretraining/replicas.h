// Data-parallel training on one machine: some threads compute gradients on shared weights, then one
// AdamW step is taken on a single flat vector. Networks compute in bfloat16 with a rounded copy of
// the weights; weights, moments and average are fp32.
// P number of parameters. Two threads that each take half of a batch lose less to other load on the
// machine than one operator spread over both.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "worker/io/tensors.h"
#include "worker/model/torch.h"

namespace vico::toyworld {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.995;
  double weight_decay = 0;
  double clip_norm = 1.0;    ///< of the whole gradient
  double ema_decay = 0.998;  ///< of the averaged weights
};

class Replicas {
 public:
  /// Every module has the same parameters, on one device; the first one's values are kept. All
  /// then are bfloat16 and share one storage, each with gradients of its own.
  explicit Replicas(std::vector<std::shared_ptr<torch::nn::Module>> modules);

  /// `loss(replica)` runs on a thread of its own for each replica and returns a scalar. Takes one
  /// step on the mean gradient; returns the mean loss. Throws what `loss` throws.
  double Step(const std::function<at::Tensor(size_t replica)>& loss, const AdamOptions& options);

  /// Copies the averaged weights into a module like the others, fp32 as a rule.
  void CopyAverage(torch::nn::Module& to) const;

  size_t size() const { return gradients_.size(); }
  int64_t steps() const { return steps_; }

  /// Weights, moments, average and step count: enough to go on exactly here.
  absl::Status Save(const std::string& path, const worker::Metadata& metadata) const;
  /// kInvalidArgument for a file of other sizes.
  absl::Status Load(const std::string& path, worker::Metadata* metadata);

 private:
  void Publish();  // weights_ -> rounded_

  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  std::vector<at::Tensor> gradients_;                            // one [P] a replica, bfloat16
  at::Tensor rounded_;                                           // [P] bfloat16
  at::Tensor weights_, average_, first_moment_, second_moment_;  // [P]
  int64_t steps_ = 0;
};

}  // namespace vico::toyworld
