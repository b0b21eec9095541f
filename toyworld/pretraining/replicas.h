// Data-parallel training on one machine. Threads compute gradients on shared weights, then one
// AdamW step updates a single flat vector. The networks compute in bfloat16 with a rounded copy of
// the weights; weights, moments and average are fp32. Two threads that each compute half of a batch
// suffer less from other load on the machine than one operator on both threads. P number of
// parameters.
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
  double clip_norm = 1.0;    ///< limit of the whole gradient's norm
  double ema_decay = 0.998;  ///< of the averaged weights
};

class Replicas {
 public:
  /// The modules must have the same parameters, on one device. Takes the values of the first and
  /// turns all into bfloat16 with one shared storage, each with its own gradients.
  explicit Replicas(std::vector<std::shared_ptr<torch::nn::Module>> modules);

  /// Runs `loss(replica)`, which returns a scalar, on a thread for each replica. Makes one step
  /// with the mean gradient and returns the mean loss. Throws what `loss` throws.
  double Step(const std::function<at::Tensor(size_t replica)>& loss, const AdamOptions& options);

  /// Copies the averaged weights into a module with the same parameters, usually fp32.
  void CopyAverage(torch::nn::Module& to) const;

  size_t size() const { return gradients_.size(); }
  int64_t steps() const { return steps_; }

  /// Weights, moments, average and step count, from which the training resumes exactly.
  absl::Status Save(const std::string& path, const worker::Metadata& metadata) const;
  /// kInvalidArgument for a file with other sizes.
  absl::Status Load(const std::string& path, worker::Metadata* metadata);

 private:
  void Publish();  // weights_ -> rounded_

  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  std::vector<at::Tensor> gradients_;  // one [P] for each replica, bfloat16
  at::Tensor rounded_;                 // [P] bfloat16
  at::Tensor weights_, average_, first_moment_, second_moment_;  // [P]
  int64_t steps_ = 0;
};

}  // namespace vico::toyworld
