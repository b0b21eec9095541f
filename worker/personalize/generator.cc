#include "worker/personalize/generator.h"

#include "common/schedulers.h"
#include "worker/diffusion/scheduler.h"
#include "worker/model/finite.h"
#include "worker/personalize/draws.h"

namespace vico::worker {
namespace {

// One draw a picture, so that a picture does not depend on those made with it.
torch::Tensor DrawEach(const std::vector<uint64_t>& seeds, at::IntArrayRef shape, Purpose purpose,
                       uint64_t index) {
  std::vector<torch::Tensor> rows;
  rows.reserve(seeds.size());
  for (const uint64_t seed : seeds) rows.push_back(DrawNormal(shape, seed, purpose, index));
  return at::stack(rows);
}

/// The arguments of a call of the network.
struct Call {
  torch::Tensor x;  // [N, C, h, w]
  double timestep = 0;
};

std::vector<GuidedRow> RowsOf(Personalization* personal, const GuidedPrompt& prompt,
                              const GenerateOptions& options, const Call& call) {
  return std::vector<GuidedRow>(static_cast<size_t>(call.x.size(0)),
                                {.personal = personal,
                                 .prompt = &prompt,
                                 .guidance_scale = options.guidance_scale,
                                 .mask = options.mask,
                                 .strength = options.strength,
                                 .timestep = call.timestep});
}

/// A turn for other work than the passes of the denoising loop.
DeviceTurns::Turn TakeTurn(const GenerateOptions& options) {
  return options.passes == nullptr ? DeviceTurns::Turn() : options.passes->Take();
}

/// What `work` returns, computed in a turn.
template <typename Function>
auto InTurn(const GenerateOptions& options, const Function& work) {
  const auto turn = TakeTurn(options);
  return work();
}

/// The prompt for the bare base model, in which the placeholder is ordinary text.
GuidedPrompt BarePrompt(Base& base, const GenerateOptions& options) {
  return EncodeGuidedPrompt(base, nullptr, options.prompt, options.negative_prompt, "",
                            options.guidance_scale);
}

[[noreturn]] void Throw(const std::string& where, bool adapter) {
  throw NonFinite(where + (adapter ? "; the cause is the adapter: without it the base model stays "
                                     "finite, so its weights are too large"
                                   : "; the cause is the base model: its weights overflow"));
}

[[noreturn]] void ThrowForPrompt(Base& base, Personalization* personal,
                                 const GenerateOptions& options) {
  Throw("before step 1: the text encoder's output is not finite",
        personal != nullptr && IsFinite(BarePrompt(base, options).text));
}

/// The prompt of the options. Throws NonFinite.
GuidedPrompt EncodePrompt(Base& base, Personalization* personal, const GenerateOptions& options) {
  const auto turn = TakeTurn(options);
  GuidedPrompt prompt = EncodeGuidedPrompt(base, personal, options.prompt, options.negative_prompt,
                                           options.placeholder, options.guidance_scale);
  if (!IsFinite(prompt.text)) ThrowForPrompt(base, personal, options);
  return prompt;
}

[[noreturn]] void ThrowForStep(Base& base, Personalization* personal,
                               const GenerateOptions& options, const Call& call,
                               const SampleStep& done) {
  const std::string where =
      "step " + std::to_string(done.step) + " of " + std::to_string(done.total);
  if (IsFinite(done.predicted)) {
    throw NonFinite(where + ": the scheduler " + options.scheduler +
                    " gives a latent that is not finite, from a finite prediction; try another");
  }
  bool adapter = false;
  if (personal != nullptr) {
    const auto turn = TakeTurn(options);
    const GuidedPrompt prompt = BarePrompt(base, options);
    GuidedNetwork network(base, prompt.halves() * call.x.size(0));
    adapter = IsFinite(network(call.x, RowsOf(nullptr, prompt, options, call)));
  }
  Throw(where + ": the U-Net's prediction is not finite", adapter);
}

/// Where the pictures of the options start; `shape` is [C, h, w].
SampleStart StartOf(Base& base, const GenerateOptions& options, at::IntArrayRef shape) {
  const auto draw = [&](Purpose purpose) {
    return DrawEach(options.seeds, shape, purpose, 0).to(base.device());
  };
  SampleStart start = {.noise = draw(Purpose::kInitialNoise)};
  if (!options.init) return start;
  const InitPicture& init = *options.init;
  const auto turn = TakeTurn(options);
  const auto posterior = base.Encode(init.image01.unsqueeze(0));
  start.original = posterior.mean + posterior.std * draw(Purpose::kInitPosterior);
  const int steps = DenoisingSteps(static_cast<int>(options.steps), init.denoise);
  TORCH_CHECK(steps > 0, "denoise: must be at least 1/steps, got ", init.denoise, " with ",
              options.steps, " steps");
  start.skipped_steps = options.steps - steps;
  if (init.redrawn.defined()) {
    start.redrawn = LatentMask(init.redrawn, base.vae->config().factor()).to(base.device());
  }
  return start;
}

/// Base::Decode() that names the step and the cause.
torch::Tensor DecodeOrBlame(Base& base, Personalization* personal, const torch::Tensor& latent,
                            int64_t step, int64_t total) {
  try {
    return base.Decode(latent);
  } catch (const NonFinite&) {
    const std::string where =
        "step " + std::to_string(step) + " of " + std::to_string(total) + ": decoding: ";
    bool decodes = true;
    try {
      base.Decode(at::zeros_like(latent));
    } catch (const NonFinite&) {
      decodes = false;
    }
    Throw(where + "the picture is not finite", personal != nullptr && decodes);
  }
}

}  // namespace

torch::Tensor LatentMask(const torch::Tensor& redrawn, int64_t factor) {
  return redrawn.slice(0, 0, c10::nullopt, factor).slice(1, 0, c10::nullopt, factor).to(at::kFloat);
}

torch::Tensor ReferenceLatent(Base& base, const torch::Tensor& picture01) {
  const auto posterior = base.Encode(picture01);
  const auto noise = DrawNormal(posterior.mean.sizes(), 0, Purpose::kReferencePosterior);
  return posterior.mean + posterior.std * noise.to(posterior.mean.device());
}

torch::Tensor Denoise(Base& base, Personalization* personal, const GenerateOptions& options,
                      const SampleStart& start, const GenerateObserver& observer) {
  const at::NoGradGuard no_grad;
  const auto scheduler =
      MakeScheduler(options.scheduler, base.schedule, options.steps, options.eta);
  const GuidedPrompt prompt = EncodePrompt(base, personal, options);
  const int64_t pictures = start.noise.size(0);
  std::optional<ReferenceCache::Loop> cached;
  if (personal != nullptr && personal->cache != nullptr) cached.emplace(*personal->cache);
  GuidedNetwork network(base, prompt.halves() * pictures);
  Call last;

  const PredictFn predict = [&](const torch::Tensor& x, double timestep) {
    last = {x, timestep};
    const std::vector<GuidedRow> rows = RowsOf(personal, prompt, options, last);
    return options.passes == nullptr ? network(x, rows) : options.passes->Predict(network, x, rows);
  };
  const StepNoise step_noise = [&](int64_t index) {
    return DrawEach(options.seeds, start.noise.sizes().slice(1), Purpose::kStepNoise,
                    static_cast<uint64_t>(index))
        .to(base.device());
  };
  return Sample(predict, *scheduler, start, step_noise, [&](const SampleStep& done) {
    if (!IsFinite(done.next)) ThrowForStep(base, personal, options, last, done);
    const bool preview = observer.on_preview && options.preview_every > 0 &&
                         done.step < done.total && done.step % options.preview_every == 0;
    if (preview) {
      const auto decoded = InTurn(options, [&] {
        return DecodeOrBlame(base, personal, done.original(), done.step, done.total);
      });
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
  const auto latent = Denoise(base, personal, options, StartOf(base, options, shape), observer);
  if (!latent.defined()) return false;
  for (int64_t p = 0; p < latent.size(0); ++p) {
    const auto picture = InTurn(options, [&] {
      return DecodeOrBlame(base, personal, latent.narrow(0, p, 1), options.steps, options.steps);
    });
    if (observer.on_picture) observer.on_picture(static_cast<size_t>(p), picture[0]);
  }
  return true;
}

}  // namespace vico::worker
