#include "worker/torch_engine/engine_generation.h"

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/schedulers.h"
#include "common/status.h"
#include "worker/engine/generation_pictures.h"
#include "worker/io/image.h"
#include "worker/personalize/generator.h"

namespace vico::worker {
namespace {

absl::Status CheckStart(const v1::GenerateSpec& spec) {
  const SchedulerInfo* scheduler = FindScheduler(spec.scheduler());
  if (scheduler != nullptr && !scheduler->takes_init_picture) {
    return FieldError("generate.scheduler",
                      fmt::format("{} cannot start from a picture", spec.scheduler()));
  }
  if (DenoisingSteps(spec.steps(), spec.denoise()) == 0) {
    return FieldError("generate.denoise",
                      fmt::format("must be {} or more with {} steps, so that one runs, got {}",
                                  1.0 / spec.steps(), spec.steps(), spec.denoise()));
  }
  return absl::OkStatus();
}

/// Names the field of a picture that cannot be read.
absl::StatusOr<torch::Tensor> Named(const char* field, absl::StatusOr<torch::Tensor> picture) {
  if (picture.ok() || !absl::IsInvalidArgument(picture.status())) return picture;
  return FieldError(field, fmt::format("cannot be read: {}", ToStd(picture.status().message())));
}

/// Empty for a spec without an init picture.
absl::StatusOr<std::optional<InitPicture>> InitOf(const v1::GenerateSpec& spec,
                                                  const GenerationInputs& inputs) {
  if (spec.init_picture().empty()) return std::nullopt;
  RETURN_IF_ERROR(CheckStart(spec));
  InitPicture init;
  init.denoise = spec.denoise();
  ASSIGN_OR_RETURN(init.image01,
                   Named("generate.init_picture",
                         LoadResized(inputs.init_picture, spec.width(), spec.height())));
  if (!spec.mask_picture().empty()) {
    ASSIGN_OR_RETURN(
        init.redrawn,
        Named("generate.mask_picture", LoadMask(inputs.mask_picture, spec.width(), spec.height())));
  }
  return init;
}

/// All options but the prompt.
GenerateOptions OptionsOf(const v1::GenerateSpec& spec, const LoadedAdapter* adapter) {
  GenerateOptions options;
  options.negative_prompt = spec.negative_prompt();
  options.guidance_scale = spec.guidance_scale();
  options.scheduler = spec.scheduler();
  options.steps = spec.steps();
  options.eta = spec.eta();
  options.height = spec.height();
  options.width = spec.width();
  options.seeds = {spec.seeds().begin(), spec.seeds().end()};
  options.preview_every = spec.preview_every_steps();
  // The bare base model has no placeholder: every word is ordinary text.
  options.placeholder = adapter == nullptr ? "" : adapter->placeholder;
  if (adapter != nullptr) options.mask = adapter->mask;
  if (spec.has_strength()) options.strength = spec.strength();
  return options;
}

/// Passes the pictures of one prompt to the callbacks of the job.
class PromptPictures {
 public:
  PromptPictures(const v1::GenerateSpec& spec, int prompt, const GenerateCallbacks& callbacks)
      : prompts_(PromptCount(spec)),
        prompt_(prompt),
        first_(prompt * spec.seeds_size()),
        callbacks_(callbacks) {}

  GenerateObserver Observer() {
    return {.on_step = [this](int64_t step, int64_t total) { return OnStep(step, total); },
            .on_preview =
                [this](size_t index, int64_t step, const torch::Tensor& image01) {
                  const PngPicture picture = Encoded(image01);
                  if (problem_.ok()) callbacks_.on_preview(IndexOf(index), step, picture);
                },
            .on_picture =
                [this](size_t index, const torch::Tensor& image01) {
                  const PngPicture picture = Encoded(image01);
                  if (problem_.ok()) callbacks_.on_picture(IndexOf(index), picture);
                }};
  }

  const absl::Status& problem() const { return problem_; }

 private:
  int IndexOf(size_t index) const { return first_ + static_cast<int>(index); }

  bool OnStep(int64_t step, int64_t total) {
    return problem_.ok() && callbacks_.on_step(prompt_ * total + step, prompts_ * total);
  }

  PngPicture Encoded(const torch::Tensor& image01) {
    PngPicture picture{.bytes = {},
                       .width = static_cast<int>(image01.size(2)),
                       .height = static_cast<int>(image01.size(1))};
    auto png = EncodePng(image01);
    if (png.ok()) {
      picture.bytes = *std::move(png);
    } else if (problem_.ok()) {
      problem_ = png.status();
    }
    return picture;
  }

  const int prompts_;
  const int prompt_;
  const int first_;  // index of its first picture
  const GenerateCallbacks& callbacks_;
  absl::Status problem_;
};

}  // namespace

absl::StatusOr<bool> GenerateOn(const DrawWith& with, const v1::GenerateSpec& spec,
                                const GenerationInputs& inputs,
                                const GenerateCallbacks& callbacks) {
  GenerateOptions options = OptionsOf(spec, with.adapter);
  options.passes = with.passes;
  ASSIGN_OR_RETURN(options.init, InitOf(spec, inputs));
  Personalization* personal = with.adapter == nullptr ? nullptr : &with.adapter->personal;
  for (int prompt = 0; prompt < PromptCount(spec); ++prompt) {
    options.prompt = PromptAt(spec, prompt);
    PromptPictures pictures(spec, prompt, callbacks);
    const bool finished =
        GeneratePictures(with.loaded.base, personal, options, pictures.Observer());
    RETURN_IF_ERROR(pictures.problem());
    if (!finished) return false;
  }
  return true;
}

}  // namespace vico::worker
