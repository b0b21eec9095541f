#include "worker/train/trainer.h"

#include <cmath>

#include "worker/model/finite.h"
#include "worker/personalize/draws.h"
#include "worker/personalize/to_device.h"
#include "worker/train/templates.h"
#include "worker/train/train_step.h"

namespace vico::worker {
namespace {

TrainRows DrawRows(const Posterior& posterior, const Base& base, const TrainOptions& options,
                   int64_t step) {
  const int64_t pictures = posterior.mean.size(0);
  const int64_t rows = options.batch_size;
  const auto index = static_cast<uint64_t>(step);
  const auto integers = [&](int64_t high, Purpose purpose) {
    return DrawIntegers(high, rows, options.seed, purpose, index);
  };
  const auto sample = [&](const torch::Tensor& picture, Purpose purpose) {
    const auto mean = posterior.mean.index_select(0, picture);
    const auto noise =
        ToDevice(DrawNormal(mean.sizes(), options.seed, purpose, index), mean.device());
    return mean + posterior.std.index_select(0, picture) * noise;
  };
  TrainRows drawn;
  const auto target = integers(pictures, Purpose::kTarget);
  // Uniform over the others; the only picture is its own reference.
  const auto reference =
      pictures == 1
          ? target
          : (target + 1 + integers(pictures - 1, Purpose::kReference)).remainder(pictures);
  drawn.target = sample(ToDevice(target, base.device()), Purpose::kTargetPosterior);
  drawn.reference = sample(ToDevice(reference, base.device()), Purpose::kReferencePosterior);
  drawn.timestep = ToDevice(
      integers(base.schedule.config().num_train_timesteps, Purpose::kTimestep), base.device());
  drawn.noise = ToDevice(DrawNormal(drawn.target.sizes(), options.seed, Purpose::kNoise, index),
                         base.device());
  const auto& templates = TrainingTemplates();
  const auto chosen = integers(static_cast<int64_t>(templates.size()), Purpose::kTemplate);
  for (int64_t i = 0; i < rows; ++i) {
    const auto which = static_cast<size_t>(chosen[i].item<int64_t>());
    drawn.prompts.push_back(templates[which]);
  }
  // The slot, not the placeholder: a template may have a word that is spelled like the placeholder.
  drawn.word = kTemplateSlot;
  return drawn;
}

/// Adds a mask for each site and picture, read at the timestep.
void AddMasks(const std::vector<SiteFeatures>& seen, const std::vector<std::string>& site_names,
              int64_t timestep, std::vector<PictureMask>& result) {
  for (size_t site = 0; site < seen.size(); ++site) {
    if (!IsFinite(seen[site].placeholder)) {
      throw NonFinite("masks: the attention to the word is not finite at " + site_names[site]);
    }
    const auto masks = OtsuMask(seen[site].placeholder).to(at::kCPU);  // [P, N]
    const auto side = static_cast<int64_t>(std::lround(std::sqrt(masks.size(1))));
    for (int64_t i = 0; i < masks.size(0); ++i) {
      const auto mask = masks[i].view({side, side});
      const auto coverage = mask.to(at::kDouble).mean().item<double>();
      result.push_back({i, timestep, mask, coverage, site_names[site]});
    }
  }
}

}  // namespace

Adapter TrainAdapter(Base& base, const torch::Tensor& pictures01, const TrainOptions& options,
                     const OnStep& on_step, const TrainStart* start) {
  const auto init_id = base.tokenizer.SingleToken(options.init_word);
  TORCH_CHECK(init_id.has_value(), "init_word: ", options.init_word, " is not one token");
  Adapter adapter(base.unet->transformers(),
                  options.sites.empty() ? base.sites(options.dialect) : options.sites,
                  base.text->config().hidden_size, DrawSeed(options.seed, Purpose::kAdapterStart),
                  options.start);
  {
    const at::NoGradGuard no_grad;
    adapter->placeholder().copy_(base.text->WordEmbedding(*init_id));
  }
  if (options.start == BlockStart::kSelfAttention) adapter->CopySelfAttention(*base.unet);
  adapter->to(base.device());
  const Posterior posterior = base.Encode(pictures01);  // once: only its sample changes

  TrainingStep train_step(base, adapter, options);
  if (start != nullptr) {
    train_step.Restore(start->state);
    if (start->on_restored && !start->on_restored(adapter)) return adapter;
  }
  for (int64_t step = start == nullptr ? 0 : start->state.step; step < options.steps; ++step) {
    Gradients gradients = train_step.Compute(DrawRows(posterior, base, options, step));
    if (step == 0 && !std::isfinite(gradients.loss)) {
      throw NonFinite(
          "training step 1: the loss is not finite; the cause is the base model: its "
          "weights overflow, and nothing is learned yet");
    }
    const StepReport report = {.step = step + 1,
                               .loss = gradients.loss,
                               .loss_reg = gradients.loss_reg,
                               .state = [&, step] { return train_step.Copy(step + 1); }};
    train_step.Apply(std::move(gradients), step);
    if (!on_step(report, adapter)) break;
  }
  return adapter;
}

std::vector<PictureMask> LearnedMasks(Base& base, Adapter& adapter, const torch::Tensor& pictures01,
                                      Dialect dialect, std::vector<int64_t> timesteps) {
  const at::NoGradGuard no_grad;
  if (timesteps.empty()) timesteps = {base.schedule.config().num_train_timesteps / 2};
  const int64_t pictures = pictures01.size(0);
  const auto latent = base.Encode(pictures01).mean;
  const std::vector<std::string> texts(static_cast<size_t>(pictures),
                                       std::string("a photo of a ") + kTemplateSlot);
  const auto prompts = base.EncodePrompts(texts, kTemplateSlot);
  const auto text = base.TextStates(prompts, adapter->placeholder());
  std::vector<PictureMask> result;
  for (const int64_t at : timesteps) {
    const auto timestep =
        at::full({pictures}, at, at::TensorOptions(at::kLong).device(base.device()));
    auto seen =
        RunReference(base.unet, adapter->sites(), latent, timestep, text, prompts.positions);
    if (dialect == Dialect::kMmagic) {
      const auto noise = DrawNormal(latent.sizes(), 0, Purpose::kNoise).to(latent.device());
      const auto noisy = base.schedule.AddNoise(latent, noise, timestep);
      seen = RunTarget(base.unet, adapter, {.dialect = dialect}, seen, noisy, timestep, text,
                       prompts.positions)
                 .seen;
    }
    AddMasks(seen, adapter->site_names(), at, result);
  }
  return result;
}

}  // namespace vico::worker
