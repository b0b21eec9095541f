// The denoising loop with guidance; see the header for the source.
#include "worker/train/generator.h"

#include <algorithm>

#include "worker/diffusion/scheduler.h"
#include "worker/train/draws.h"
#include "worker/train/row_parts.h"

namespace vico {
namespace {

// One draw a picture, so that a picture does not depend on those made with it.
torch::Tensor DrawEach(const std::vector<uint64_t>& seeds, at::IntArrayRef shape, Purpose purpose,
                       uint64_t index) {
  std::vector<torch::Tensor> rows;
  for (const uint64_t seed : seeds) rows.push_back(DrawNormal(shape, seed, purpose, index));
  return at::stack(rows);
}

// Predicts the noise for N latents, with guidance.
class GuidedNetwork {
 public:
  GuidedNetwork(Base& base, Personalization* personal, const GenerateOptions& options)
      : base_(base), personal_(personal), options_(options) {
    const at::NoGradGuard no_grad;
    guided_ = options.guidance_scale != 1.0;
    const auto conditional = base.EncodePrompts({options.prompt}, options.placeholder);
    positions_ = conditional.positions;
    torch::Tensor placeholder;
    if (personal != nullptr) placeholder = personal->adapter->placeholder();
    text_ = base.TextStates(conditional, placeholder);
    if (guided_) {
      const auto unconditional = base.EncodePrompts({options.negative_prompt}, options.placeholder);
      text_ = at::cat({base.TextStates(unconditional, placeholder), text_});
      positions_ = {positions_.placeholder.repeat({2}), positions_.end.repeat({2})};
    }
    const auto pictures = static_cast<int64_t>(options.seeds.size());
    parts_.emplace(text_.size(0) * pictures, base.threads, base.device());
  }

  torch::Tensor operator()(const torch::Tensor& latent, int64_t timestep) {
    const int64_t pictures = latent.size(0);
    const auto x = latent.repeat({text_.size(0), 1, 1, 1});  // [halves N, C, h, w]
    const auto text = text_.repeat_interleave(pictures, 0);  // [halves N, L, D]
    std::vector<SiteFeatures> features;
    if (personal_ != nullptr) features = Reference(timestep, pictures);

    std::vector<torch::Tensor> found(static_cast<size_t>(parts_->CountFor(x.size(0))));
    parts_->ForEach(x.size(0), [&](int64_t part, const RowRange& rows) {
      const auto cut = [&](const torch::Tensor& y) { return y.narrow(0, rows.begin, rows.count); };
      auto& predicted = found[static_cast<size_t>(part)];
      if (personal_ == nullptr) {
        predicted = base_.unet(cut(x), Times(rows.count, timestep), cut(text));
        return;
      }
      std::vector<SiteFeatures> seen;
      for (const auto& site : features) {
        seen.push_back({cut(site.tokens), cut(site.placeholder), {}});
      }
      predicted = RunTarget(base_.unet, personal_->adapter, seen, options_.mask, cut(x),
                            Times(rows.count, timestep), cut(text));
    });
    const auto predicted = at::cat(found).to(at::kFloat);
    if (!guided_) return predicted;
    const auto both = predicted.chunk(2, 0);  // unconditional, conditional
    return both[0] + options_.guidance_scale * (both[1] - both[0]);
  }

 private:
  torch::Tensor Times(int64_t rows, int64_t timestep) const {
    return at::full({rows}, timestep, at::TensorOptions(at::kLong).device(base_.device()));
  }

  // The reference's features, once a half, repeated for its pictures.
  std::vector<SiteFeatures> Reference(int64_t timestep, int64_t pictures) {
    const int64_t halves = text_.size(0);
    std::vector<std::vector<SiteFeatures>> found(static_cast<size_t>(parts_->CountFor(halves)));
    parts_->ForEach(halves, [&](int64_t part, const RowRange& rows) {
      const auto cut = [&](const torch::Tensor& y) { return y.narrow(0, rows.begin, rows.count); };
      found[static_cast<size_t>(part)] = RunReference(
          base_.unet, personal_->adapter->sites(),
          personal_->reference.expand({rows.count, -1, -1, -1}), Times(rows.count, timestep),
          cut(text_), {cut(positions_.placeholder), cut(positions_.end)});
    });
    std::vector<SiteFeatures> joined;
    for (size_t site = 0; site < found[0].size(); ++site) {
      std::vector<torch::Tensor> tokens, placeholder;
      for (const auto& part : found) {
        tokens.push_back(part[site].tokens);
        placeholder.push_back(part[site].placeholder);
      }
      joined.push_back({at::cat(tokens).repeat_interleave(pictures, 0),
                        at::cat(placeholder).repeat_interleave(pictures, 0),
                        {}});
    }
    return joined;
  }

  Base& base_;
  Personalization* personal_;
  const GenerateOptions& options_;
  bool guided_ = true;
  torch::Tensor text_;  // [1 or 2, L, D], unconditional first
  std::optional<RowParts> parts_;
  TokenPositions positions_;
};

}  // namespace

torch::Tensor ReferenceLatent(Base& base, const torch::Tensor& picture01) {
  const auto posterior = base.Encode(picture01);
  const auto noise = DrawNormal(posterior.mean.sizes(), 0, Purpose::kReferencePosterior);
  return posterior.mean + posterior.std * noise.to(posterior.mean.device());
}

torch::Tensor Denoise(Base& base, Personalization* personal, const GenerateOptions& options,
                      const torch::Tensor& noise, const GenerateObserver& observer) {
  const at::NoGradGuard no_grad;
  const auto scheduler =
      MakeScheduler(options.scheduler, base.schedule, options.steps, options.eta);
  const auto& timesteps = scheduler->timesteps();
  const auto total = static_cast<int64_t>(timesteps.size());
  const StepNoise step_noise = [&](int64_t index) {
    return DrawEach(options.seeds, noise.sizes().slice(1), Purpose::kStepNoise,
                    static_cast<uint64_t>(index))
        .to(base.device());
  };

  GuidedNetwork network(base, personal, options);
  auto x = noise;
  for (int64_t i = 0; i < total; ++i) {
    const int64_t t = timesteps[static_cast<size_t>(i)];
    const auto predicted = network(x, t);
    const bool preview = observer.on_preview && options.preview_every > 0 && i + 1 < total &&
                         (i + 1) % options.preview_every == 0;
    if (preview) {
      const auto pictures = base.Decode(PredictOriginal(base.schedule, predicted, t, x));
      for (int64_t p = 0; p < pictures.size(0); ++p) {
        observer.on_preview(static_cast<size_t>(p), i + 1, pictures[p]);
      }
    }
    x = scheduler->Step(predicted, i, x, step_noise);
    if (observer.on_step && !observer.on_step(i + 1, total)) return {};
  }
  return x;
}

bool GeneratePictures(Base& base, Personalization* personal, const GenerateOptions& options,
                      const GenerateObserver& observer) {
  const int64_t factor = base.vae->config().factor();
  const int64_t multiple = factor << (base.unet->config().block_out_channels.size() - 1);
  TORCH_CHECK(options.height > 0 && options.width > 0 && options.height % multiple == 0 &&
                  options.width % multiple == 0,
              "width and height: must be multiples of ", multiple, ", got ", options.width, " x ",
              options.height);
  const std::vector<int64_t> shape = {base.unet->config().in_channels, options.height / factor,
                                      options.width / factor};
  const auto noise = DrawEach(options.seeds, shape, Purpose::kInitialNoise, 0).to(base.device());
  const auto latent = Denoise(base, personal, options, noise, observer);
  if (!latent.defined()) return false;
  for (int64_t p = 0; p < latent.size(0); ++p) {
    const auto picture = base.Decode(latent.narrow(0, p, 1));
    if (observer.on_picture) observer.on_picture(static_cast<size_t>(p), picture[0]);
  }
  return true;
}

}  // namespace vico
