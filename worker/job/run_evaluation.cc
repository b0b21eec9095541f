// Runs an evaluation job: the engine draws and measures; the contact sheet is uploaded, and the
// losses of the adapter's training are copied into the report.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "worker/job/adapter_source.h"
#include "worker/job/run_job.h"

namespace vico::worker {
namespace {

constexpr int kMostLosses = 100;  // of a report

/// Means of equally many neighbours each, so that the curve keeps its shape: at most kMostLosses.
std::vector<double> Smoothed(const google::protobuf::RepeatedField<double>& losses) {
  const int points = std::min(losses.size(), kMostLosses);
  std::vector<double> smoothed;
  for (int i = 0; i < points; ++i) {
    const auto bound = [&](int64_t point) {
      return static_cast<int>(point * losses.size() / points);
    };
    double sum = 0;
    for (int at = bound(i); at < bound(i + 1); ++at) sum += losses[at];
    smoothed.push_back(sum / (bound(i + 1) - bound(i)));
  }
  return smoothed;
}

absl::StatusOr<std::vector<std::string>> ConceptPictures(const v1::LeasedJob& job,
                                                         JobContext& context) {
  std::vector<std::string> pictures;
  for (const v1::ConceptPicture& picture : job.pictures()) {
    ASSIGN_OR_RETURN(std::string png, context.Get(picture.blob()));
    pictures.push_back(std::move(png));
  }
  return pictures;
}

EvaluateCallbacks CallbacksOf(JobContext& context, StepTimer& timer) {
  EvaluateCallbacks callbacks;
  callbacks.on_step = [&](int64_t step, int64_t total_steps) {
    v1::Event event;
    *event.mutable_progress() = timer.Step(step, total_steps);
    context.Emit(std::move(event));
    return GoesOn(context.Check());
  };
  callbacks.keep_going = [&] { return GoesOn(context.Check()); };
  callbacks.on_warning = [&](const std::string& reason, const std::string& message) {
    context.Warn(reason, message);
  };
  return callbacks;
}

}  // namespace

absl::StatusOr<v1::EvaluateResult> RunEvaluation(const v1::LeasedJob& job, Engine& engine,
                                                 JobContext& context) {
  const v1::EvaluateSpec& spec = job.spec().evaluate();
  ASSIGN_OR_RETURN(const std::vector<std::string> pictures, ConceptPictures(job, context));
  StepTimer timer(context.clock());
  absl::StatusOr<EvaluatedAdapter> evaluated;
  {
    const Reporter::Watch watch(context.reporter());
    ActiveSpan span(context.tracing(), context.clock(), "evaluate");
    span.Set("vico.prompts", int64_t{spec.prompts_size()});
    evaluated = engine.Evaluate(spec, SourceOf(job.adapter(), context), pictures,
                                CallbacksOf(context, timer));
    span.SetStatus(evaluated.status());
  }
  RETURN_IF_ERROR(evaluated.status());
  if (evaluated->stopped) return absl::CancelledError("the evaluation was stopped");

  v1::EvaluateResult result;
  v1::AdapterReport& report = *result.mutable_report();
  report = std::move(evaluated->report);
  for (const double loss : Smoothed(job.losses())) report.add_losses(loss);
  ASSIGN_OR_RETURN(*report.mutable_sheet(), context.Put(evaluated->sheet.bytes, kPngMediaType));
  return result;
}

}  // namespace vico::worker
