// Runs a training job: from the concept's pictures to an adapter. A lost engine costs the steps
// since the last checkpoint: a new one repeats them, and what was reported of them is not reported
// again. The state after the last step is stored, too, so that JobService.ContinueTraining can go
// on from it.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "worker/job/checkpoint_saver.h"
#include "worker/job/picture_metadata.h"
#include "worker/job/run_job.h"

namespace vico::worker {
namespace {

constexpr size_t kSummarySteps = 40;  // first_loss and last_loss are means over this many steps
constexpr char kSafetensors[] = "application/octet-stream";

double Mean(const double* begin, const double* end) {
  return begin == end ? 0 : std::accumulate(begin, end, 0.0) / static_cast<double>(end - begin);
}

/// The callbacks of one training and the figures of its summary.
class Training {
 public:
  Training(const v1::LeasedJob& job, JobContext& context, CheckpointSaver& saver)
      : job_(job),
        context_(context),
        saver_(saver),
        timer_(context.clock()),
        started_(context.clock().Uptime()) {}

  TrainCallbacks Callbacks() {
    TrainCallbacks callbacks;
    callbacks.on_step = [this](const TrainStep& step) { return OnStep(step); };
    callbacks.finishes_early = [this] {
      finishes_ = finishes_ || context_.Check() == Verdict::kFinish;
      return finishes_;
    };
    callbacks.keep_going = [this] { return KeepGoing(); };
    callbacks.on_sample = [this](const TrainingSample& sample) { KeepFirst(OnSample(sample)); };
    callbacks.on_mask = [this](const LearnedMask& mask) { KeepFirst(OnMask(mask)); };
    callbacks.on_warning = [this](const std::string& reason, const std::string& message) {
      if (warnings_.emplace(reason, message).second) context_.Warn(reason, message);
    };
    callbacks.on_resumed = [this](int64_t step, const std::vector<double>& losses) {
      OnResumed(step, losses);
    };
    callbacks.wants_checkpoint = [this](int64_t step, bool stopping) {
      return WantsCheckpoint(step, stopping);
    };
    callbacks.on_checkpoint = [this](TrainCheckpoint checkpoint) {
      saver_.Save(std::move(checkpoint));
    };
    callbacks.fetch_continued = [this] { return context_.Get(job_.adapter().blob()); };
    return callbacks;
  }

  const absl::Status& problem() const { return problem_; }

  /// A new engine starts the training from the beginning, or calls OnResumed.
  void StartAgain() {
    losses_.clear();
    step_ = 0;
    saver_.StartAt(0);
    timer_.Skip();
  }

  v1::TrainingSummary Summary() const {
    v1::TrainingSummary summary;
    const size_t count = std::min(losses_.size(), kSummarySteps);
    const double* begin = losses_.data();
    const double* end = begin + losses_.size();
    summary.set_steps(step_);
    summary.set_train_seconds(absl::ToDoubleSeconds(context_.clock().Uptime() - started_));
    summary.set_seconds_per_step(timer_.mean_seconds());
    summary.set_first_loss(Mean(begin, begin + count));
    summary.set_last_loss(Mean(end - count, end));
    std::vector<double> coverage;
    for (const auto& [picture, value] : coverage_) coverage.push_back(value);
    summary.set_mask_coverage(Mean(coverage.data(), coverage.data() + coverage.size()));
    return summary;
  }

 private:
  bool KeepGoing() { return problem_.ok() && GoesOn(context_.Check()); }

  bool OnStep(const TrainStep& step) {
    if (!std::isfinite(step.loss) || !std::isfinite(step.loss_reg)) {
      const std::string last = losses_.empty() ? "none" : fmt::format("{:.6g}", losses_.back());
      KeepFirst(
          Error(absl::StatusCode::kFailedPrecondition,
                fmt::format("training diverged at step {}: the loss is not finite; the last finite "
                            "loss was {}; try lower learning rates",
                            step.step, last),
                "DIVERGED"));
      return false;
    }
    KeepFirst(VICO_FAILPOINT_STATUS("mid_step"));
    losses_.push_back(step.loss);
    step_ = step.step;
    v1::Event event;
    auto& progress = *event.mutable_progress();
    progress = timer_.Step(step.step, step.total_steps);
    progress.set_loss(step.loss);
    progress.set_loss_reg(step.loss_reg);
    if (step.step > reported_step_) {
      reported_step_ = step.step;
      context_.Emit(std::move(event));
    }
    return KeepGoing();
  }

  void OnResumed(int64_t step, const std::vector<double>& losses) {
    losses_ = losses;
    step_ = step;
    saver_.StartAt(step);
    timer_.Skip();
  }

  // A worker that drains stores a last checkpoint, from which another worker continues the job. A
  // training stores one after its last step, even if saving takes long.
  bool WantsCheckpoint(int64_t step, bool stopping) {
    if (!problem_.ok()) return false;
    if (stopping) return context_.Check() == Verdict::kDrain && !saver_.Has(step);
    const bool last = finishes_ || step == job_.spec().train().steps();
    return last ? !saver_.Has(step) : saver_.IsDue(step);
  }

  absl::Status OnSample(const TrainingSample& drawn) {
    if (!samples_.emplace(drawn.step, drawn.prompt_index).second) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string bytes,
                     WithSampleMetadata(drawn, job_, context_.build_version()));
    ASSIGN_OR_RETURN(v1::BlobRef blob, context_.Put(bytes, kPngMediaType));
    v1::Event event;
    auto& sample = *event.mutable_sample();
    sample.set_step(drawn.step);
    auto& picture = *sample.mutable_picture();
    picture.set_index(drawn.prompt_index);
    picture.set_seed(drawn.seed);
    *picture.mutable_blob() = std::move(blob);
    picture.set_width(drawn.picture.width);
    picture.set_height(drawn.picture.height);
    context_.Emit(std::move(event));
    timer_.Skip();
    return absl::OkStatus();
  }

  absl::Status OnMask(const LearnedMask& learned) {
    if (!masks_.emplace(learned.step, learned.picture_index).second) return absl::OkStatus();
    ASSIGN_OR_RETURN(v1::BlobRef blob, context_.Put(learned.png, kPngMediaType));
    coverage_[learned.picture_index] = learned.coverage;  // replaces the picture's older mask
    v1::Event event;
    auto& mask = *event.mutable_mask();
    mask.set_step(learned.step);
    mask.set_picture_index(learned.picture_index);
    *mask.mutable_blob() = std::move(blob);
    mask.set_coverage(learned.coverage);
    mask.set_site(learned.site);
    context_.Emit(std::move(event));
    timer_.Skip();
    return absl::OkStatus();
  }

  void KeepFirst(absl::Status status) {
    if (problem_.ok()) problem_ = std::move(status);
  }

  const v1::LeasedJob& job_;
  JobContext& context_;
  CheckpointSaver& saver_;
  StepTimer timer_;
  const absl::Duration started_;
  int64_t step_ = 0;                // steps done
  std::vector<double> losses_;      // of the last steps, see OnResumed
  std::map<int, double> coverage_;  // of each picture's newest mask
  absl::Status problem_;            // the first error of a callback
  bool finishes_ = false;           // FinishTraining was called

  // What was reported.
  int64_t reported_step_ = 0;
  std::set<std::pair<int64_t, int>> samples_;               // step and prompt
  std::set<std::pair<int64_t, int>> masks_;                 // step and picture
  std::set<std::pair<std::string, std::string>> warnings_;  // reason and message
};

/// The checkpoints that a new engine may start from, newest first: those of this lease, then those
/// that the lease came with.
std::vector<v1::Event::Checkpoint> Kept(const CheckpointSaver& saver, const v1::LeasedJob& job) {
  std::vector<v1::Event::Checkpoint> kept = saver.stored();
  const auto& earlier = job.checkpoints().newest_first();
  kept.insert(kept.end(), earlier.begin(), earlier.end());
  return kept;
}

std::vector<CheckpointSource> SourcesOf(const std::vector<v1::Event::Checkpoint>& kept,
                                        JobContext& context) {
  std::vector<CheckpointSource> sources;
  sources.reserve(kept.size());
  for (const v1::Event::Checkpoint& checkpoint : kept) {
    sources.push_back({.step = checkpoint.step(), .fetch = [&context, blob = checkpoint.blob()] {
                         return context.Get(blob);
                       }});
  }
  return sources;
}

absl::StatusOr<TrainedAdapter> TrainOnce(Engine& engine, const v1::TrainSpec& spec,
                                         const std::vector<std::string>& pictures,
                                         const TrainCallbacks& callbacks, JobContext& context) {
  const Reporter::Watch watch(context.reporter());
  ActiveSpan span(context.tracing(), context.clock(), "train");
  span.Set("vico.steps", int64_t{spec.steps()});
  absl::StatusOr<TrainedAdapter> trained = engine.Train(spec, pictures, callbacks);
  span.SetStatus(trained.status());
  return trained;
}

}  // namespace

absl::StatusOr<v1::TrainResult> RunTraining(const v1::LeasedJob& job, Engine& engine,
                                            JobContext& context) {
  const v1::TrainSpec& spec = job.spec().train();
  std::vector<std::string> pictures;
  for (const auto& picture : job.pictures()) {
    ASSIGN_OR_RETURN(std::string png, context.Get(picture.blob()));
    pictures.push_back(std::move(png));
  }

  CheckpointSaver saver = context.NewCheckpointSaver();
  Training training(job, context, saver);
  TrainCallbacks callbacks = training.Callbacks();
  callbacks.checkpoints = SourcesOf(Kept(saver, job), context);
  absl::StatusOr<TrainedAdapter> trained = TrainOnce(engine, spec, pictures, callbacks, context);
  int64_t lost_at = -1;  // the newest checkpoint's step when an engine was last lost
  while (IsLostEngine(trained.status()) && training.problem().ok()) {
    saver.Wait();
    // The server serves a checkpoint once it was reported.
    context.Flush();
    if (!GoesOn(context.Check())) break;
    const std::vector<v1::Event::Checkpoint> kept = Kept(saver, job);
    const int64_t newest = kept.empty() ? spec.continued_steps() : kept.front().step();
    if (newest <= lost_at || !engine.Ready().ok()) break;
    lost_at = newest;
    context.Warn("ENGINE_RESTARTED",
                 fmt::format("{}; the training continues in a new one after step {}",
                             std::string(trained.status().message()), newest));
    training.StartAgain();
    callbacks.checkpoints = SourcesOf(kept, context);
    trained = TrainOnce(engine, spec, pictures, callbacks, context);
  }
  if (context.Check() == Verdict::kDrain) VICO_FAILPOINT("drain.mid_checkpoint");
  saver.Wait();  // its event must precede the result
  RETURN_IF_ERROR(training.problem());
  RETURN_IF_ERROR(trained.status());
  if (trained->stopped) return absl::CancelledError("the training was stopped");

  v1::TrainResult result;
  *result.mutable_summary() = training.Summary();
  result.mutable_summary()->set_peak_rss_mb(trained->peak_rss_mb);
  ASSIGN_OR_RETURN(*result.mutable_adapter(), context.Put(trained->safetensors, kSafetensors));
  // The server has this blob already: it is a picture of the concept.
  *result.mutable_reference() = job.pictures(0).blob();
  return result;
}

}  // namespace vico::worker
