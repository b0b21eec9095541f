#include "worker/train/train_step.h"

#include <cmath>
#include <iterator>
#include <numbers>
#include <utility>

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/failpoint.h"

namespace vico::worker {
namespace {

torch::optim::AdamW MakeOptimizer(Adapter& adapter, const TrainOptions& options) {
  using torch::optim::AdamWOptions;
  using torch::optim::OptimizerParamGroup;
  std::vector<OptimizerParamGroup> groups;
  groups.emplace_back(std::vector{adapter->placeholder()},
                      std::make_unique<AdamWOptions>(options.embedding_learning_rate));
  groups.emplace_back(adapter->BlockParameters(),
                      std::make_unique<AdamWOptions>(options.attention_learning_rate));
  return torch::optim::AdamW(groups, AdamWOptions(options.attention_learning_rate));
}

// The factor of the learning rates at a step; see TrainOptions.
double RateShare(const TrainOptions& options, int64_t step) {
  if (!options.cosine_rates) return 1;
  const double done = static_cast<double>(step) / static_cast<double>(options.steps);
  return (1 + std::cos(std::numbers::pi * done)) / 2;
}

// The rows of a part, on its device.
TrainRows Part(const TrainRows& rows, const RowRange& range, const torch::Device& device) {
  const auto cut = [&](const torch::Tensor& x) {
    return x.narrow(0, range.begin, range.count).to(device);
  };
  const auto first = rows.prompts.begin() + range.begin;
  return {cut(rows.target), cut(rows.reference),          cut(rows.timestep),
          cut(rows.noise),  {first, first + range.count}, rows.word};
}

// Gradients of some rows of a batch, weighted with their `share` of it.
Gradients PartGradients(Base& base, Adapter& adapter, const TrainOptions& options,
                        const TrainRows& rows, double share) {
  const auto prompts = base.EncodePrompts(rows.prompts, rows.word);
  const auto text = base.TextStates(prompts, adapter->placeholder());
  const auto noisy = base.schedule.AddNoise(rows.target, rows.noise, rows.timestep);

  const Look look = {.dialect = options.dialect, .mask = options.mask};
  const auto features = RunReference(base.unet, adapter->sites(), rows.reference, rows.timestep,
                                     text, look.ReferencePositions(prompts.positions));
  const auto pass =
      RunTarget(base.unet, adapter, look, features, noisy, rows.timestep, text, prompts.positions);
  const auto wanted = base.schedule.Target(rows.target, rows.noise, rows.timestep);
  const auto error = (pass.predicted.to(at::kFloat) - wanted).square();
  const auto loss = error.mean();
  auto regularizer = at::zeros({}, loss.options());
  for (const auto& site : pass.seen) regularizer = regularizer + AttentionRegularizer(site);

  auto weighed = loss;
  if (options.min_snr_gamma > 0) {
    const auto weights = base.schedule.MinSnrWeights(rows.timestep, options.min_snr_gamma);
    weighed = (error.mean({1, 2, 3}) * weights).mean();
  }
  const auto total = share * (weighed + options.regularizer_weight * regularizer);
  auto values = torch::autograd::grad({total}, adapter->parameters());
  // Reading a number waits for a GPU: after the backward pass is in its queue.
  return {share * loss.item<double>(), share * regularizer.item<double>(), std::move(values)};
}

}  // namespace

TrainingStep::TrainingStep(Base& base, Adapter& adapter, const TrainOptions& options)
    : adapter_(adapter),
      options_(options),
      places_{{&base, adapter}},
      optimizer_(MakeOptimizer(adapter, options)),
      parts_(options.batch_size, base.threads, base.device(), options.devices) {
  const auto replicas = static_cast<int64_t>(base.replicas.size());
  TORCH_CHECK(options.devices >= 1 && options.devices <= 1 + replicas, "devices: must be 1..",
              1 + replicas, ", got ", options.devices);
  for (int64_t i = 0; i + 1 < options.devices; ++i) {
    Base& replica = base.replicas[static_cast<size_t>(i)];
    Adapter copy(base.unet->transformers(), adapter->sites(), adapter->placeholder().size(0),
                 /*seed=*/0, BlockStart::kDefault);
    copy->to(replica.device());
    places_.push_back({&replica, copy});
  }
  UpdateCopies();
}

Gradients TrainingStep::Compute(const TrainRows& rows) const {
  const int64_t count = rows.target.size(0);
  std::vector<Gradients> found(static_cast<size_t>(parts_.CountFor(count)));
  parts_.ForEach(count, [&](int64_t part, const RowRange& range) {
    Place place = places_[static_cast<size_t>(parts_.DeviceOf(part, count))];
    const torch::Device device = place.base->device();
    const c10::DeviceGuard on_device(device);
    // A hit a step. The other parts are being computed.
    if (range.begin + range.count == count) VICO_FAILPOINT_STATUS("train.mid_step").IgnoreError();
    found[static_cast<size_t>(part)] =
        PartGradients(*place.base, place.adapter, options_, Part(rows, range, device),
                      static_cast<double>(range.count) / static_cast<double>(count));
  });
  Gradients sum = std::move(found[0]);
  for (size_t part = 1; part < found.size(); ++part) {
    sum.loss += found[part].loss;
    sum.loss_reg += found[part].loss_reg;
    for (size_t i = 0; i < sum.values.size(); ++i) {
      sum.values[i].add_(found[part].values[i].to(sum.values[i].device()));
    }
  }
  return sum;
}

void TrainingStep::Apply(Gradients gradients, int64_t step) {
  // In the order of MakeOptimizer's groups.
  const double rates[] = {options_.embedding_learning_rate, options_.attention_learning_rate};
  const double share = RateShare(options_, step);
  for (size_t i = 0; i < std::size(rates); ++i) {
    optimizer_.param_groups()[i].options().set_lr(share * rates[i]);
  }
  auto parameters = adapter_->parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].mutable_grad() = std::move(gradients.values[i]);
  }
  optimizer_.step();
  UpdateCopies();
}

TrainingState TrainingStep::Copy(int64_t steps) const {
  return CopyTrainingState(adapter_, optimizer_, steps);
}

void TrainingStep::Restore(const TrainingState& state) {
  RestoreTrainingState(state, adapter_, optimizer_);
  UpdateCopies();
}

void TrainingStep::UpdateCopies() {
  const at::NoGradGuard no_grad;
  const auto trained = adapter_->parameters();
  for (size_t place = 1; place < places_.size(); ++place) {
    const auto copies = places_[place].adapter->parameters();
    for (size_t i = 0; i < trained.size(); ++i) copies[i].copy_(trained[i]);
  }
}

}  // namespace vico::worker
