// The denoising loop with guidance; see the header for the source.
#include "worker/personalize/generator.h"

#include <algorithm>

#include "worker/diffusion/scheduler.h"
#include "worker/personalize/draws.h"
#include "worker/personalize/guided_network.h"

namespace vico::worker {
namespace {

// One draw a picture, so that a picture does not depend on those made with it.
torch::Tensor DrawEach(const std::vector<uint64_t>& seeds, at::IntArrayRef shape, Purpose purpose,
                       uint64_t index) {
  std::vector<torch::Tensor> rows;
  for (const uint64_t seed : seeds) rows.push_back(DrawNormal(shape, seed, purpose, index));
  return at::stack(rows);
}

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
  auto x = noise * scheduler->start_scale();
  for (int64_t i = 0; i < total; ++i) {
    const auto predicted = network(scheduler->ModelInput(x, i), timesteps[static_cast<size_t>(i)]);
    const bool preview = observer.on_preview && options.preview_every > 0 && i + 1 < total &&
                         (i + 1) % options.preview_every == 0;
    if (preview) {
      const auto pictures = base.Decode(scheduler->Original(predicted, i, x));
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

}  // namespace vico::worker
