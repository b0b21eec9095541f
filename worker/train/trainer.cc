// The training loop; see the header for the source.
#include "worker/train/trainer.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/optim/adamw.h>

#include "worker/train/draws.h"
#include "worker/train/row_parts.h"
#include "worker/train/templates.h"

namespace vico {
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

// Rows of one training step: which pictures, which words, how much noise.
struct Rows {
  torch::Tensor target, reference;  // [B, C, h, w] latents
  torch::Tensor timestep, noise;
  std::vector<std::string> prompts;
};

Rows DrawRows(const Posterior& posterior, const Base& base, const TrainOptions& options,
              int64_t step) {
  const int64_t pictures = posterior.mean.size(0);
  const int64_t rows = options.batch_size;
  const auto index = static_cast<uint64_t>(step);
  const auto integers = [&](int64_t high, Purpose purpose) {
    return DrawIntegers(high, rows, options.seed, purpose, index);
  };
  const auto sample = [&](const torch::Tensor& picture, Purpose purpose) {
    const auto mean = posterior.mean.index_select(0, picture);
    const auto noise = DrawNormal(mean.sizes(), options.seed, purpose, index).to(mean.device());
    return mean + posterior.std.index_select(0, picture) * noise;
  };
  Rows drawn;
  const auto target = integers(pictures, Purpose::kTarget);
  // Uniform over the others; the only picture is its own reference.
  const auto reference =
      pictures == 1
          ? target
          : (target + 1 + integers(pictures - 1, Purpose::kReference)).remainder(pictures);
  drawn.target = sample(target.to(base.device()), Purpose::kTargetPosterior);
  drawn.reference = sample(reference.to(base.device()), Purpose::kReferencePosterior);
  drawn.timestep =
      integers(base.schedule.config().num_train_timesteps, Purpose::kTimestep).to(base.device());
  drawn.noise =
      DrawNormal(drawn.target.sizes(), options.seed, Purpose::kNoise, index).to(base.device());
  const auto& templates = TrainingTemplates();
  const auto chosen = integers(static_cast<int64_t>(templates.size()), Purpose::kTemplate);
  for (int64_t i = 0; i < rows; ++i) {
    const auto which = static_cast<size_t>(chosen[i].item<int64_t>());
    drawn.prompts.push_back(FillTemplate(templates[which], options.placeholder));
  }
  return drawn;
}

Rows Narrow(const Rows& rows, const RowRange& range) {
  const auto cut = [&](const torch::Tensor& x) { return x.narrow(0, range.begin, range.count); };
  const auto first = rows.prompts.begin() + range.begin;
  return {cut(rows.target),
          cut(rows.reference),
          cut(rows.timestep),
          cut(rows.noise),
          {first, first + range.count}};
}

// Losses and the gradient of every trainable parameter.
struct Gradients {
  double loss = 0, loss_reg = 0;
  std::vector<torch::Tensor> values;  // in the order of adapter->parameters()
};

// Of some rows of a batch, weighed with their `share` of it.
Gradients PartGradients(Base& base, Adapter& adapter, const TrainOptions& options, const Rows& rows,
                        double share) {
  const auto prompts = base.EncodePrompts(rows.prompts, options.placeholder);
  const auto text = base.TextStates(prompts, adapter->placeholder());
  const auto noisy = base.schedule.AddNoise(rows.target, rows.noise, rows.timestep);

  const auto features = RunReference(base.unet, adapter->sites(), rows.reference, rows.timestep,
                                     text, prompts.positions);
  const auto predicted =
      RunTarget(base.unet, adapter, features, options.mask, noisy, rows.timestep, text);
  const auto wanted = base.schedule.Target(rows.target, rows.noise, rows.timestep);
  const auto loss = (predicted.to(at::kFloat) - wanted).square().mean();
  auto regularizer = at::zeros({}, loss.options());
  for (const auto& site : features) regularizer = regularizer + AttentionRegularizer(site);

  const auto total = share * (loss + options.regularizer_weight * regularizer);
  return {share * loss.item<double>(), share * regularizer.item<double>(),
          torch::autograd::grad({total}, adapter->parameters())};
}

// Of the whole batch.
Gradients StepGradients(Base& base, Adapter& adapter, const TrainOptions& options, const Rows& rows,
                        const RowParts& parts) {
  const int64_t count = rows.target.size(0);
  std::vector<Gradients> found(static_cast<size_t>(parts.CountFor(count)));
  parts.ForEach(count, [&](int64_t part, const RowRange& range) {
    found[static_cast<size_t>(part)] =
        PartGradients(base, adapter, options, Narrow(rows, range),
                      static_cast<double>(range.count) / static_cast<double>(count));
  });
  Gradients sum = std::move(found[0]);
  for (size_t part = 1; part < found.size(); ++part) {
    sum.loss += found[part].loss;
    sum.loss_reg += found[part].loss_reg;
    for (size_t i = 0; i < sum.values.size(); ++i) sum.values[i].add_(found[part].values[i]);
  }
  return sum;
}

}  // namespace

Adapter TrainAdapter(Base& base, const torch::Tensor& pictures01, const TrainOptions& options,
                     const OnStep& on_step) {
  const auto init_id = base.tokenizer.SingleToken(options.init_word);
  TORCH_CHECK(init_id.has_value(), "init_word: ", options.init_word, " is not one token");
  Adapter adapter(base.unet->transformers(), base.sites(), base.text->config().hidden_size,
                  DrawSeed(options.seed, Purpose::kAdapterStart), options.start);
  {
    const at::NoGradGuard no_grad;
    adapter->placeholder().copy_(base.text->WordEmbedding(*init_id));
  }
  adapter->to(base.device());
  auto optimizer = MakeOptimizer(adapter, options);
  const Posterior posterior = base.Encode(pictures01);  // once: only its sample changes

  const RowParts parts(options.batch_size, base.threads, base.device());
  for (int64_t step = 0; step < options.steps; ++step) {
    const Rows rows = DrawRows(posterior, base, options, step);
    Gradients gradients = StepGradients(base, adapter, options, rows, parts);
    auto parameters = adapter->parameters();
    for (size_t i = 0; i < parameters.size(); ++i) {
      parameters[i].mutable_grad() = std::move(gradients.values[i]);
    }
    optimizer.step();
    if (!on_step({step + 1, gradients.loss, gradients.loss_reg}, adapter)) break;
  }
  return adapter;
}

std::vector<PictureMask> LearnedMasks(Base& base, Adapter& adapter, const torch::Tensor& pictures01,
                                      const std::string& placeholder) {
  const at::NoGradGuard no_grad;
  const int64_t pictures = pictures01.size(0);
  const auto latent = base.Encode(pictures01).mean;
  const std::vector<std::string> texts(static_cast<size_t>(pictures),
                                       FillTemplate("a photo of a {}", placeholder));
  const auto prompts = base.EncodePrompts(texts, placeholder);
  const auto timestep = at::full({pictures}, base.schedule.config().num_train_timesteps / 2,
                                 at::TensorOptions(at::kLong).device(base.device()));
  const auto features =
      RunReference(base.unet, adapter->sites(), latent, timestep,
                   base.TextStates(prompts, adapter->placeholder()), prompts.positions);
  const auto masks = OtsuMask(features.back().placeholder).to(at::kCPU);  // [P, N]
  std::vector<PictureMask> result;
  for (int64_t i = 0; i < pictures; ++i) {
    const auto mask = masks[i].view({latent.size(2), latent.size(3)});
    result.push_back(
        {i, mask, mask.to(at::kDouble).mean().item<double>(), adapter->site_names().back()});
  }
  return result;
}

}  // namespace vico
