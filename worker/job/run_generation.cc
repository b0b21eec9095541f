// Runs a generation job and uploads each picture as soon as it is finished, with metadata that say
// how it was made. Previews have none.
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "worker/engine/generation_pictures.h"
#include "worker/job/adapter_source.h"
#include "worker/job/picture_metadata.h"
#include "worker/job/run_job.h"

namespace vico::worker {
namespace {

class Generation {
 public:
  Generation(const v1::LeasedJob& job, JobContext& context)
      : job_(job), spec_(job.spec().generate()), context_(context), timer_(context.clock()) {}

  GenerateCallbacks Callbacks() {
    GenerateCallbacks callbacks;
    callbacks.on_step = [this](int64_t step, int64_t total) { return OnStep(step, total); };
    callbacks.on_preview = [this](int index, int64_t step, const PngPicture& png) {
      KeepFirst(OnPreview(index, step, png));
    };
    callbacks.on_picture = [this](int index, const PngPicture& png) {
      KeepFirst(OnPicture(index, png));
    };
    callbacks.on_warning = [this](const std::string& reason, const std::string& message) {
      context_.Warn(reason, message);
    };
    return callbacks;
  }

  const absl::Status& problem() const { return problem_; }

  /// The pictures in order. kInternal if the engine left one out.
  absl::StatusOr<v1::GenerateResult> Result() const {
    v1::GenerateResult result;
    for (const auto& [index, picture] : pictures_) *result.add_pictures() = picture;
    if (result.pictures_size() != PictureCount(spec_)) {
      return absl::InternalError(fmt::format("the engine drew {} of {} pictures",
                                             result.pictures_size(), PictureCount(spec_)));
    }
    return result;
  }

 private:
  bool OnStep(int64_t step, int64_t total_steps) {
    v1::Event event;
    *event.mutable_progress() = timer_.Step(step, total_steps);
    context_.Emit(std::move(event));
    return problem_.ok() && GoesOn(context_.Check());
  }

  absl::Status OnPreview(int index, int64_t step, const PngPicture& png) {
    ASSIGN_OR_RETURN(v1::BlobRef blob, context_.Put(png.bytes, kPngMediaType));
    v1::Event event;
    auto& preview = *event.mutable_preview();
    preview.set_picture_index(index);
    preview.set_step(step);
    *preview.mutable_blob() = std::move(blob);
    context_.Emit(std::move(event));
    timer_.Skip();
    return absl::OkStatus();
  }

  absl::Status OnPicture(int index, const PngPicture& png) {
    VICO_FAILPOINT("generate.mid_image");
    if (index < 0 || index >= PictureCount(spec_)) {
      return absl::InternalError(
          fmt::format("the engine drew picture {} of {}", index, PictureCount(spec_)));
    }
    ASSIGN_OR_RETURN(const std::string bytes,
                     WithGenerationMetadata(png.bytes, job_, index, context_.build_version()));
    ASSIGN_OR_RETURN(v1::BlobRef blob, context_.Put(bytes, kPngMediaType));
    v1::Picture picture;
    picture.set_index(index);
    picture.set_seed(SeedOfPicture(spec_, index));
    *picture.mutable_blob() = std::move(blob);
    picture.set_width(png.width);
    picture.set_height(png.height);
    v1::Event event;
    *event.mutable_picture() = picture;
    pictures_[index] = std::move(picture);
    context_.Emit(std::move(event));
    timer_.Skip();
    return absl::OkStatus();
  }

  void KeepFirst(absl::Status status) {
    if (problem_.ok()) problem_ = std::move(status);
  }

  const v1::LeasedJob& job_;
  const v1::GenerateSpec& spec_;
  JobContext& context_;
  StepTimer timer_;
  std::map<int, v1::Picture> pictures_;
  absl::Status problem_;  // the first error of a callback
};

/// The pictures that the spec names; its adapter is not read before the engine asks for it.
absl::StatusOr<GenerationInputs> InputsOf(const v1::LeasedJob& job, JobContext& context) {
  const v1::GenerateSpec& spec = job.spec().generate();
  GenerationInputs inputs;
  if (!spec.init_picture().empty()) {
    ASSIGN_OR_RETURN(inputs.init_picture, context.Get(job.init_picture()));
  }
  if (!spec.mask_picture().empty()) {
    ASSIGN_OR_RETURN(inputs.mask_picture, context.Get(job.mask_picture()));
  }
  return inputs;
}

}  // namespace

absl::StatusOr<v1::GenerateResult> RunGeneration(const v1::LeasedJob& job, Engine& engine,
                                                 JobContext& context) {
  const v1::GenerateSpec& spec = job.spec().generate();
  const AdapterSource adapter = SourceOf(job.adapter(), context);
  ASSIGN_OR_RETURN(GenerationInputs inputs, InputsOf(job, context));
  if (!spec.adapter().empty()) inputs.adapter = &adapter;

  Generation generation(job, context);
  absl::StatusOr<bool> drawn;
  {
    const Reporter::Watch watch(context.reporter());
    ActiveSpan span(context.tracing(), context.clock(), "generate");
    span.Set("vico.steps", int64_t{spec.steps()});
    span.Set("vico.pictures", int64_t{PictureCount(spec)});
    drawn = engine.Generate(spec, inputs, generation.Callbacks());
    span.SetStatus(drawn.status());
  }
  RETURN_IF_ERROR(generation.problem());
  RETURN_IF_ERROR(drawn.status());
  if (!*drawn) return absl::CancelledError("the generation was stopped");
  return generation.Result();
}

}  // namespace vico::worker
