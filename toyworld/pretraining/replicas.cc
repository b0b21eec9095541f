#include "toyworld/pretraining/replicas.h"

#include <cmath>
#include <exception>
#include <string>
#include <thread>

#include "common/status.h"

namespace vico::toyworld {

using worker::Metadata;
using worker::ReadTensors;

namespace {

// Calls the function with each parameter and the offset of its values in the flat vector.
template <typename Use>
int64_t ForEachSlice(const torch::nn::Module& module, const at::Tensor& flat, const Use& use) {
  int64_t offset = 0;
  for (auto& p : module.parameters()) {
    const int64_t n = p.numel();
    use(p, flat.narrow(0, offset, n).view(p.sizes()));
    offset += n;
  }
  return offset;
}

}  // namespace

Replicas::Replicas(std::vector<std::shared_ptr<torch::nn::Module>> modules)
    : modules_(std::move(modules)) {
  std::vector<at::Tensor> flat;
  for (const auto& p : modules_.at(0)->parameters()) flat.push_back(p.detach().reshape({-1}));
  weights_ = at::cat(flat).to(at::kFloat).contiguous();
  rounded_ = weights_.to(at::kBFloat16);
  average_ = weights_.clone();
  first_moment_ = at::zeros_like(weights_);
  second_moment_ = at::zeros_like(weights_);
  for (const auto& module : modules_) {
    module->to(at::kBFloat16);
    const auto gradient = at::zeros_like(rounded_);
    const int64_t size = ForEachSlice(
        *module, rounded_, [](torch::Tensor& p, const at::Tensor& at) { p.set_data(at); });
    TORCH_CHECK(size == weights_.numel(), "replicas differ in size");
    ForEachSlice(*module, gradient,
                 [](torch::Tensor& p, const at::Tensor& at) { p.mutable_grad() = at; });
    gradients_.push_back(gradient);
  }
}

void Replicas::Publish() { rounded_.copy_(weights_); }

double Replicas::Step(const std::function<at::Tensor(size_t)>& loss, const AdamOptions& options) {
  std::vector<at::Tensor> losses(size());
  std::vector<std::exception_ptr> errors(size());
  const auto work = [&](size_t i) {
    try {
      gradients_[i].zero_();
      const auto value = loss(i);
      value.backward();
      losses[i] = value.detach();
    } catch (...) {
      errors[i] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < size(); ++i) threads.emplace_back(work, i);
  work(0);
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }

  const at::NoGradGuard no_grad;
  ++steps_;
  auto gradient = gradients_[0].to(at::kFloat);
  for (size_t i = 1; i < size(); ++i) gradient.add_(gradients_[i]);
  gradient.div_(static_cast<double>(size()));
  gradient.mul_(gradient.norm().reciprocal().mul(options.clip_norm).clamp_max(1));

  const auto k = static_cast<double>(steps_);
  first_moment_.mul_(options.beta1).add_(gradient, 1 - options.beta1);
  second_moment_.mul_(options.beta2).addcmul_(gradient, gradient, 1 - options.beta2);
  const double unbias1 = 1 - std::pow(options.beta1, k);
  const double unbias2 = 1 - std::pow(options.beta2, k);
  const auto root = (second_moment_ / unbias2).sqrt_().add_(1e-8);
  weights_.mul_(1 - options.learning_rate * options.weight_decay);
  weights_.addcdiv_(first_moment_, root, -options.learning_rate / unbias1);
  Publish();
  const double decay = std::min(options.ema_decay, (1 + k) / (10 + k));
  average_.mul_(decay).add_(weights_, 1 - decay);

  double mean = 0;
  for (const auto& value : losses) mean += value.item<double>() / static_cast<double>(size());
  return mean;
}

void Replicas::CopyAverage(torch::nn::Module& to) const {
  const at::NoGradGuard no_grad;
  ForEachSlice(to, average_, [](torch::Tensor& p, const at::Tensor& at) { p.copy_(at); });
}

absl::Status Replicas::Save(const std::string& path, const Metadata& metadata) const {
  Metadata all = metadata;
  all["steps"] = std::to_string(steps_);
  return worker::WriteTensors(path,
                              {{"weights", weights_},
                               {"average", average_},
                               {"first_moment", first_moment_},
                               {"second_moment", second_moment_}},
                              all);
}

absl::Status Replicas::Load(const std::string& path, Metadata* metadata) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  auto tensors = ReadTensors(file);
  const at::NoGradGuard no_grad;
  const std::vector<std::pair<const char*, at::Tensor>> wanted = {
      {"weights", weights_},
      {"average", average_},
      {"first_moment", first_moment_},
      {"second_moment", second_moment_}};
  for (const auto& [name, target] : wanted) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.numel() != target.numel()) {
      return absl::InvalidArgumentError(path + ": " + name + " does not fit this network");
    }
    target.copy_(found->second);
  }
  Publish();
  *metadata = file.metadata();
  steps_ = std::stoll(metadata->at("steps"));
  return absl::OkStatus();
}

}  // namespace vico::toyworld
