#include "worker/train/training_state.h"

#include <memory>
#include <sstream>
#include <type_traits>
#include <utility>

namespace vico::worker {
namespace {

using torch::optim::AdamWParamState;

using Key = std::remove_cvref_t<decltype(std::declval<torch::optim::AdamW&>().state())>::key_type;

// LibTorch 1.13 keys an optimizer's state by the pointer's text, 2.x by the pointer.
template <typename K = Key>
K StateKey(const torch::Tensor& parameter) {
  if constexpr (std::is_same_v<K, std::string>) {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  } else {
    return parameter.unsafeGetTensorImpl();
  }
}

torch::Tensor Copied(const torch::Tensor& tensor) {
  return tensor.detach().to(at::TensorOptions(at::kCPU), /*non_blocking=*/false, /*copy=*/true);
}

torch::Tensor Stored(const TrainingState& state, const std::string& name,
                     const torch::Tensor& like) {
  const auto it = state.tensors.find(name);
  TORCH_CHECK(it != state.tensors.end(), "checkpoint: lacks ", name);
  TORCH_CHECK(it->second.sizes() == like.sizes() && it->second.scalar_type() == like.scalar_type(),
              "checkpoint: ", name, " is ", it->second.sizes(), ", must be ", like.sizes());
  return it->second.to(like.device(), /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

TrainingState CopyTrainingState(const Adapter& adapter, const torch::optim::AdamW& optimizer,
                                int64_t step) {
  TrainingState copy;
  copy.step = step;
  for (const auto& item : adapter->named_parameters()) {
    const auto& moments =
        static_cast<const AdamWParamState&>(*optimizer.state().at(StateKey(item.value())));
    copy.optimizer_steps = moments.step();  // of all parameters the same
    copy.tensors["parameter." + item.key()] = Copied(item.value());
    copy.tensors["first_moment." + item.key()] = Copied(moments.exp_avg());
    copy.tensors["second_moment." + item.key()] = Copied(moments.exp_avg_sq());
  }
  return copy;
}

TrainingState CopyWeights(const Adapter& adapter, int64_t step) {
  TrainingState copy;
  copy.step = step;
  for (const auto& item : adapter->named_parameters()) {
    copy.tensors["parameter." + item.key()] = Copied(item.value());
  }
  return copy;
}

void RestoreTrainingState(const TrainingState& state, Adapter& adapter,
                          torch::optim::AdamW& optimizer) {
  const at::NoGradGuard no_grad;
  const auto parameters = adapter->named_parameters();
  const bool weights_only = state.optimizer_steps == 0;
  const size_t expected = (weights_only ? 1 : 3) * parameters.size();
  TORCH_CHECK(state.tensors.size() == expected, "checkpoint: has ", state.tensors.size(),
              " tensors, must have ", expected);
  for (const auto& item : parameters) {
    const torch::Tensor& parameter = item.value();
    parameter.copy_(Stored(state, "parameter." + item.key(), parameter));
    if (weights_only) continue;
    auto moments = std::make_unique<AdamWParamState>();
    moments->step(state.optimizer_steps);
    moments->exp_avg(Stored(state, "first_moment." + item.key(), parameter));
    moments->exp_avg_sq(Stored(state, "second_moment." + item.key(), parameter));
    optimizer.state()[StateKey(parameter)] = std::move(moments);
  }
}

}  // namespace vico::worker
