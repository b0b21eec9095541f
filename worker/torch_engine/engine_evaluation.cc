#include "worker/torch_engine/engine_evaluation.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/engine/prompt_word.h"
#include "worker/engine/train_options.h"
#include "worker/evaluation/evaluation_sheet.h"
#include "worker/evaluation/figures.h"
#include "worker/io/image.h"
#include "worker/torch_engine/engine_generation.h"
#include "worker/torch_engine/mask_figures.h"

namespace vico::worker {
namespace {

/// The concept's pictures, for the judges and for the masks.
struct RealPictures {
  std::vector<Pixels> pixels;
  torch::Tensor squares01;  ///< [P, 3, side, side] in 0..1, as in the adapter's training
};

absl::StatusOr<RealPictures> ReadPictures(const std::vector<std::string>& pngs, int side, Fit fit) {
  RealPictures real;
  std::vector<torch::Tensor> squares;
  for (const std::string& png : pngs) {
    ASSIGN_OR_RETURN(Pixels pixels, DecodePng(png));
    ASSIGN_OR_RETURN(torch::Tensor square, LoadSquare(png, side, fit));
    real.pixels.push_back(std::move(pixels));
    squares.push_back(std::move(square));
  }
  real.squares01 = torch::stack(squares);
  return real;
}

class Evaluation {
 public:
  Evaluation(LoadedBase& loaded, LoadedAdapter& adapter, const v1::EvaluateSpec& spec,
             const EvaluateCallbacks& callbacks)
      : loaded_(loaded), adapter_(adapter), spec_(spec), callbacks_(callbacks) {
    order_ = {.prompts = spec.prompts_size(), .pictures_of_prompt = spec.picture_count()};
    for (const std::string& prompt : spec.prompts()) {
      bare_prompts_.push_back(WithWord(prompt, adapter.placeholder, adapter.init_word));
    }
  }

  /// Draws all pictures, in the order of PictureOrder. False if a callback stopped it.
  absl::StatusOr<bool> Draw() {
    ASSIGN_OR_RETURN(const bool go_on, Draw(nullptr, bare_prompts_));
    if (!go_on) return false;
    return Draw(&adapter_, {spec_.prompts().begin(), spec_.prompts().end()});
  }

  /// Adds the figures of each judge.
  absl::Status Measure(const std::vector<Judge*>& judges, std::vector<Pixels> real,
                       v1::AdapterReport& report) {
    if (judges.empty()) {
      callbacks_.on_warning("NO_SCORER",
                            "the report has no figures, since the worker has no network to measure "
                            "with: start it with --clip or --dino");
    }
    JudgedPictures judged = {.real = std::move(real), .generated = drawn_, .prompts = {}};
    for (int when = 0; when < 2; ++when) {
      for (const std::string& prompt : bare_prompts_) {
        judged.prompts.insert(judged.prompts.end(), static_cast<size_t>(spec_.picture_count()),
                              prompt);
      }
    }
    for (Judge* const judge : judges) {
      ASSIGN_OR_RETURN(const std::vector<PictureFigure> measured,
                       judge->Measure(judged, callbacks_.keep_going));
      AddFigures(measured, judge->name(), order_, report);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<PngPicture> Sheet() const {
    const Pixels sheet = DrawEvaluationSheet(
        {.title = fmt::format("{} ({})", adapter_.placeholder, adapter_.init_word),
         .prompts = {spec_.prompts().begin(), spec_.prompts().end()},
         .seeds = Seeds(),
         .pictures = drawn_});
    ASSIGN_OR_RETURN(std::string png, EncodePng(sheet));
    return PngPicture{.bytes = std::move(png), .width = sheet.width, .height = sheet.height};
  }

  std::vector<uint64_t> Seeds() const {
    std::vector<uint64_t> seeds;
    seeds.reserve(static_cast<size_t>(spec_.picture_count()));
    for (int i = 0; i < spec_.picture_count(); ++i) {
      seeds.push_back(spec_.seed() + static_cast<uint64_t>(i));
    }
    return seeds;
  }

 private:
  absl::StatusOr<bool> Draw(LoadedAdapter* adapter, const std::vector<std::string>& prompts) {
    v1::GenerateSpec generation = loaded_.offer.base_model.generation_defaults();
    generation.clear_preview_every_steps();
    for (const std::string& prompt : prompts) generation.add_prompts(prompt);
    for (const uint64_t seed : Seeds()) generation.add_seeds(seed);
    RETURN_IF_ERROR(loaded_.CheckScheduler(generation.scheduler()));
    absl::Status problem;
    GenerateCallbacks drawing;
    drawing.on_step = [&](int64_t step, int64_t total) {
      return problem.ok() &&
             callbacks_.on_step(adapter == nullptr ? step : total + step, 2 * total);
    };
    drawing.on_picture = [&](int, const PngPicture& picture) {
      absl::StatusOr<Pixels> pixels = DecodePng(picture.bytes);
      if (pixels.ok()) {
        drawn_.push_back(*std::move(pixels));
      } else if (problem.ok()) {
        problem = pixels.status();
      }
    };
    drawing.on_warning = callbacks_.on_warning;
    ASSIGN_OR_RETURN(const bool finished,
                     GenerateOn({.loaded = loaded_, .adapter = adapter}, generation, {}, drawing));
    RETURN_IF_ERROR(problem);
    return finished;
  }

  LoadedBase& loaded_;
  LoadedAdapter& adapter_;
  const v1::EvaluateSpec& spec_;
  const EvaluateCallbacks& callbacks_;
  PictureOrder order_;
  std::vector<std::string> bare_prompts_;  // with the class in place of the learned word
  std::vector<Pixels> drawn_;
};

}  // namespace

absl::StatusOr<EvaluatedAdapter> EvaluateOn(LoadedBase& loaded, LoadedAdapter& adapter,
                                            const std::vector<Judge*>& judges,
                                            const v1::EvaluateSpec& spec,
                                            const std::vector<std::string>& pictures,
                                            const EvaluateCallbacks& callbacks) {
  ASSIGN_OR_RETURN(RealPictures real, ReadPictures(pictures, loaded.offer.base_model.resolution(),
                                                   FitOf(adapter.training)));
  Evaluation evaluation(loaded, adapter, spec, callbacks);
  ASSIGN_OR_RETURN(const bool drawn, evaluation.Draw());
  if (!drawn) return EvaluatedAdapter{.stopped = true};
  const std::optional<MaskFigures> masks =
      MeasureMasks(loaded.base, adapter.personal.adapter, adapter.personal.dialect, real.squares01,
                   callbacks.keep_going);
  if (!masks) return EvaluatedAdapter{.stopped = true};

  EvaluatedAdapter evaluated;
  const absl::Status measured =
      evaluation.Measure(judges, std::move(real.pixels), evaluated.report);
  if (absl::IsCancelled(measured)) return EvaluatedAdapter{.stopped = true};
  RETURN_IF_ERROR(measured);
  *evaluated.report.mutable_prompts() = spec.prompts();
  for (const uint64_t seed : evaluation.Seeds()) evaluated.report.add_seeds(seed);
  evaluated.report.set_mask_coverage(masks->coverage);
  evaluated.report.set_mask_stability(masks->stability);
  ASSIGN_OR_RETURN(evaluated.sheet, evaluation.Sheet());
  return evaluated;
}

}  // namespace vico::worker
