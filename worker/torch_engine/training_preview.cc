#include "worker/torch_engine/training_preview.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/status.h"
#include "worker/engine/prompt_word.h"
#include "worker/engine/train_options.h"
#include "worker/io/image.h"
#include "worker/personalize/generator.h"
#include "worker/train/trainer.h"

namespace vico::worker {
namespace {

constexpr int64_t kMaxSampleSteps = 20;  // a sample shows progress and need not be the best picture

}  // namespace

absl::StatusOr<bool> TrainingPreview::Draw(Adapter& adapter, int64_t step) {
  ASSIGN_OR_RETURN(const bool go_on, Samples(&adapter, step));
  if (!go_on) return false;
  RETURN_IF_ERROR(Masks(adapter, step));
  return true;
}

absl::StatusOr<bool> TrainingPreview::DrawFirst() {
  return spec_.sample_first() ? Samples(nullptr, 0) : true;
}

std::string TrainingPreview::SampleScheduler() const {
  const std::string& scheduler = loaded_.offer.base_model.generation_defaults().scheduler();
  return scheduler.empty() ? GenerateOptions().scheduler : scheduler;
}

std::string TrainingPreview::SamplePrompt(int prompt_index) const {
  return spec_.sample_prompts().empty() ? spec_.sample_prompt()
                                        : spec_.sample_prompts(prompt_index);
}

uint64_t TrainingPreview::SampleSeed(int prompt_index) const {
  if (prompt_index < spec_.sample_seeds_size()) return spec_.sample_seeds(prompt_index);
  return spec_.seed() + static_cast<uint64_t>(prompt_index);
}

/// Draws a sample of each prompt; `adapter` is null for the base model alone.
absl::StatusOr<bool> TrainingPreview::Samples(Adapter* adapter, int64_t step) {
  if (spec_.sample_every_steps() == 0 || !draws_samples_) return true;
  if (const absl::Status status = loaded_.CheckScheduler(SampleScheduler()); !status.ok()) {
    draws_samples_ = false;
    callbacks_.on_warning("SAMPLES_LEFT_OUT",
                          "the training draws no samples: " + std::string(status.message()));
    return true;
  }
  Personalization personal;
  if (adapter != nullptr) {
    if (!reference_.defined()) {
      reference_ = ReferenceLatent(loaded_.base, pictures01_.narrow(0, 0, 1));
    }
    personal = {.adapter = *adapter, .dialect = DialectOf(spec_), .reference = reference_};
  }
  for (int i = 0; i < std::max(1, spec_.sample_prompts_size()); ++i) {
    ASSIGN_OR_RETURN(const bool go_on, Sample(adapter == nullptr ? nullptr : &personal, i, step));
    if (!go_on) return false;
  }
  return true;
}

absl::StatusOr<bool> TrainingPreview::Sample(Personalization* personal, int prompt_index,
                                             int64_t step) {
  const v1::BaseModel& description = loaded_.offer.base_model;
  const v1::GenerateSpec& defaults = description.generation_defaults();
  GenerateOptions options;
  options.prompt = SamplePrompt(prompt_index);
  if (personal == nullptr) {
    options.prompt = WithWord(options.prompt, spec_.placeholder(), spec_.init_word());
  }
  options.negative_prompt = defaults.negative_prompt();
  if (defaults.has_guidance_scale()) options.guidance_scale = defaults.guidance_scale();
  options.scheduler = SampleScheduler();
  options.steps =
      std::min<int64_t>(kMaxSampleSteps, defaults.has_steps() ? defaults.steps() : kMaxSampleSteps);
  options.height = options.width = description.resolution();
  options.seeds = {SampleSeed(prompt_index)};
  // Without an adapter every word is ordinary text.
  options.placeholder = personal == nullptr ? "" : spec_.placeholder();
  options.mask = spec_.mask() ? KeyMask::kOtsu : KeyMask::kNone;

  absl::Status problem;
  GenerateObserver observer;
  observer.on_step = [&](int64_t, int64_t) { return callbacks_.keep_going(); };
  observer.on_picture = [&](size_t, const torch::Tensor& image01) {
    auto png = EncodePng(image01);
    if (!png.ok()) {
      problem = png.status();
      return;
    }
    callbacks_.on_sample({.step = step,
                          .prompt_index = prompt_index,
                          .seed = options.seeds.front(),
                          .picture = {.bytes = *std::move(png),
                                      .width = static_cast<int>(image01.size(2)),
                                      .height = static_cast<int>(image01.size(1))}});
  };
  const bool finished = GeneratePictures(loaded_.base, personal, options, observer);
  RETURN_IF_ERROR(problem);
  return finished;
}

absl::Status TrainingPreview::Masks(Adapter& adapter, int64_t step) {
  for (const PictureMask& mask :
       LearnedMasks(loaded_.base, adapter, pictures01_, DialectOf(spec_))) {
    if (mask.site != adapter->site_names().back()) continue;  // only the finest is reported
    ASSIGN_OR_RETURN(std::string png, EncodeMaskPng(mask.mask));
    callbacks_.on_mask({.step = step,
                        .picture_index = static_cast<int>(mask.picture),
                        .png = std::move(png),
                        .coverage = mask.coverage,
                        .site = mask.site});
  }
  return absl::OkStatus();
}

}  // namespace vico::worker
