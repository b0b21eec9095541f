#include "client/output/job_view.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

// Of the newest loss in the mean: the loss of one step depends mostly on its random timestep.
constexpr double kNewestLoss = 0.1;

Progress ProgressOf(const v1::Event::Progress& event, const std::string& label) {
  Progress progress;
  progress.label = label;
  progress.step = event.step();
  progress.total = event.total_steps();
  if (event.loss() != 0) progress.loss = event.loss();  // only trainings have a loss
  if (event.seconds_per_step() > 0) progress.seconds_per_step = event.seconds_per_step();
  if (event.has_eta()) {
    progress.eta_seconds =
        static_cast<double>(google::protobuf::util::TimeUtil::DurationToMilliseconds(event.eta())) /
        1000.0;
  }
  return progress;
}

}  // namespace

JobView::JobView(JobViewOptions options, std::ostream& out, std::ostream& err,
                 const std::function<std::optional<int>()>& columns)
    : options_(std::move(options)),
      out_(out),
      display_(err, columns),
      quiet_(options_.json && !columns()) {}

void JobView::OnJob(const std::string& job) {
  job_ = job;
  Note(Printable(job));
}

absl::Status JobView::OnEvent(const v1::Event& event, const std::string* bytes) {
  if (!connected_) Note("connected again");
  connected_ = true;
  std::string file;
  if (bytes != nullptr && options_.folder) {
    ASSIGN_OR_RETURN(const std::filesystem::path path, options_.folder->Save(job_, event, *bytes));
    file = path.string();
  }
  if (bytes != nullptr && options_.on_picture && event.has_picture()) {
    RETURN_IF_ERROR(options_.on_picture(event, *bytes));
  }
  sequence_ = event.sequence();
  if (options_.json) out_ << EventJsonLine(job_, event, file) << std::endl;
  Show(event, file);
  if (bytes != nullptr && options_.terminal != nullptr) Draw(event, *bytes);
  return absl::OkStatus();
}

void JobView::Close() {
  display_.Close();
  if (options_.terminal != nullptr) options_.terminal->ShowCurve("loss", losses_);
  losses_.clear();
}

void JobView::OnPosition(const v1::Event::Position& position) {
  Note(fmt::format("queued, {} ahead{}", position.position(),
                   position.base_model_unavailable() ? "; no worker serves its base model" : ""));
}

void JobView::OnReconnect(const absl::Status& error, absl::Duration /*wait*/) {
  if (connected_) {
    Note(fmt::format("{}, retrying: {}", job_.empty() ? "no server" : "connection lost",
                     Printable(std::string(ToStd(error.message())))));
  }
  connected_ = false;
}

void JobView::Show(const v1::Event& event, const std::string& file) {
  switch (event.what_case()) {
    case v1::Event::kQueued:
      if (event.queued().position() > 0) {
        Note(fmt::format("queued, {} ahead", event.queued().position()));
      }
      break;
    case v1::Event::kStarted:
      Note(fmt::format("{} by {} on {}",
                       event.attempt() > 1
                           ? fmt::format("started again (attempt {})", event.attempt())
                           : "started",
                       Printable(event.started().worker()), Printable(event.started().device())));
      break;
    case v1::Event::kProgress:
      ShowProgress(event.progress());
      break;
    case v1::Event::kWarning:
      Note(WarningText(event.warning()));
      break;
    case v1::Event::kPicture:
      if (options_.list_pictures && !options_.json && !file.empty()) {
        display_.Above([&] { out_ << file << std::endl; });
      }
      break;
    default:
      break;
  }
}

void JobView::ShowProgress(const v1::Event::Progress& event) {
  Progress progress = ProgressOf(event, options_.label);
  if (progress.loss) {
    smooth_loss_ =
        smooth_loss_ ? std::lerp(*smooth_loss_, *progress.loss, kNewestLoss) : *progress.loss;
    progress.loss = smooth_loss_;
    if (options_.terminal != nullptr) {
      const auto step = static_cast<double>(event.step());
      // Another attempt repeats the steps since its checkpoint.
      while (!losses_.empty() && losses_.back().step >= step) losses_.pop_back();
      losses_.push_back({step, *smooth_loss_});
    }
  }
  if (!quiet_) display_.Update(progress);
}

void JobView::Draw(const v1::Event& event, const std::string& png) {
  // Masks are grey and small, and each comes again with every sample.
  if (!event.has_picture() && !event.has_preview() && !event.has_sample()) return;
  absl::Status drawn;
  display_.Above([&] { drawn = options_.terminal->Show(png); });
  if (!drawn.ok()) Note(fmt::format("a picture cannot be drawn: {}", ToStd(drawn.message())));
}

void JobView::Note(const std::string& line) {
  if (!quiet_) display_.Note(line);
}

}  // namespace vico::client
