#include "worker/personalize/generator.h"

#include "worker/diffusion/sample.h"
#include "worker/diffusion/scheduler.h"
#include "worker/personalize/draws.h"

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
  const GuidedPrompt prompt =
      EncodeGuidedPrompt(base, personal, options.prompt, options.negative_prompt,
                         options.placeholder, options.guidance_scale);
  const int64_t pictures = noise.size(0);
  std::vector<GuidedRow> rows(static_cast<size_t>(pictures),
                              {.personal = personal,
                               .prompt = &prompt,
                               .guidance_scale = options.guidance_scale,
                               .mask = options.mask});
  GuidedNetwork network(base, prompt.halves() * pictures);

  const PredictFn predict = [&](const torch::Tensor& x, double timestep) {
    for (GuidedRow& row : rows) row.timestep = timestep;
    return network(x, rows);
  };
  const StepNoise step_noise = [&](int64_t index) {
    return DrawEach(options.seeds, noise.sizes().slice(1), Purpose::kStepNoise,
                    static_cast<uint64_t>(index))
        .to(base.device());
  };
  return Sample(predict, *scheduler, noise, step_noise, [&](const SampleStep& done) {
    const bool preview = observer.on_preview && options.preview_every > 0 &&
                         done.step < done.total && done.step % options.preview_every == 0;
    if (preview) {
      const auto decoded = base.Decode(done.original());
      for (int64_t p = 0; p < pictures; ++p) {
        observer.on_preview(static_cast<size_t>(p), done.step, decoded[p]);
      }
    }
    return !observer.on_step || observer.on_step(done.step, done.total);
  });
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
