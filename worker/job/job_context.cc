#include "worker/job/job_context.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "common/plain_text.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace vico::worker {
namespace {

constexpr absl::Duration kBlobPatience = absl::Minutes(1);
constexpr double kRecentWeight = 0.1;  // of the newest step in the running mean

uint64_t SeedOf(const LeaseKey& lease) { return std::hash<std::string>{}(lease.lease_id); }

}  // namespace

JobContext::JobContext(ServerLink& link, Reporter& reporter, const Clock& clock, Pause& pause,
                       LeaseKey lease, std::stop_token stop, Tracing tracing,
                       std::string build_version)
    : link_(link),
      reporter_(reporter),
      clock_(clock),
      pause_(pause),
      lease_(std::move(lease)),
      stop_(std::move(stop)),
      tracing_(std::move(tracing)),
      build_version_(std::move(build_version)) {}

Verdict JobContext::Check() {
  const Verdict verdict = reporter_.Poll();
  // A training that is to finish has its result soon.
  return verdict == Verdict::kGoOn && stop_.stop_requested() ? Verdict::kDrain : verdict;
}

void JobContext::Warn(const std::string& reason, const std::string& message) {
  v1::Event event;
  event.mutable_warning()->set_reason(reason);
  event.mutable_warning()->set_message(PlainText(message));
  Emit(std::move(event));
}

absl::StatusOr<std::string> JobContext::Get(const v1::BlobRef& blob) {
  ActiveSpan span(tracing_, clock_, "download");
  span.Set("vico.bytes", static_cast<int64_t>(blob.size_bytes()));
  LeaseKey lease = lease_;
  lease.trace = span.context();
  absl::StatusOr<std::string> bytes = TryToGet(blob, lease);
  span.SetStatus(bytes.status());
  return bytes;
}

absl::StatusOr<v1::BlobRef> JobContext::Put(std::string_view bytes, std::string_view media_type) {
  ActiveSpan span(tracing_, clock_, "upload");
  span.Set("vico.bytes", static_cast<int64_t>(bytes.size()));
  LeaseKey lease = lease_;
  lease.trace = span.context();
  const v1::BlobRef blob = BlobRefOf(bytes, media_type);
  const absl::Status put = TryToPut(blob, bytes, lease);
  span.SetStatus(put);
  if (!put.ok()) return put;
  return blob;
}

absl::StatusOr<std::string> JobContext::TryToGet(const v1::BlobRef& blob, const LeaseKey& lease) {
  const Reporter::Rest rest(reporter_);
  Backoff backoff = WorkerBackoff(SeedOf(lease));
  const absl::Duration deadline = clock_.Uptime() + kBlobPatience;
  for (;;) {
    const Verdict verdict = Check();
    if (verdict == Verdict::kLost) return absl::AbortedError("the lease is lost");
    if (!GoesOn(verdict)) return absl::CancelledError("the job is to stop");
    auto bytes = link_.GetBlob(blob, lease);
    if (bytes.ok() || !IsTransient(bytes.status()) || clock_.Uptime() >= deadline) return bytes;
    pause_.For(backoff.Next(), stop_);
  }
}

absl::Status JobContext::TryToPut(const v1::BlobRef& blob, std::string_view bytes,
                                  const LeaseKey& lease) {
  const Reporter::Rest rest(reporter_);
  Backoff backoff = WorkerBackoff(SeedOf(lease));
  const absl::Duration deadline = clock_.Uptime() + kBlobPatience;
  for (;;) {
    if (Check() == Verdict::kLost) return absl::AbortedError("the lease is lost");
    absl::Status put = link_.PutBlob(blob, bytes, lease);
    if (put.ok()) return put;
    if (!IsTransient(put) || !GoesOn(Check()) || clock_.Uptime() >= deadline) return put;
    pause_.For(backoff.Next(), stop_);
  }
}

StepTimer::StepTimer(const Clock& clock) : clock_(clock), mark_(clock.Uptime()) {}

v1::Event::Progress StepTimer::Step(int64_t step, int64_t total_steps) {
  const absl::Duration now = clock_.Uptime();
  const absl::Duration taken = now - std::exchange(mark_, now);
  total_ += taken;
  ++steps_;
  const double seconds = absl::ToDoubleSeconds(taken);
  // The first step includes one-time work, so the mean starts with the second.
  recent_seconds_ =
      steps_ <= 2 ? seconds : (1 - kRecentWeight) * recent_seconds_ + kRecentWeight * seconds;
  v1::Event::Progress progress;
  progress.set_step(step);
  progress.set_total_steps(total_steps);
  progress.set_seconds_per_step(recent_seconds_);
  const absl::Duration eta = absl::Seconds(
      recent_seconds_ * static_cast<double>(std::max<int64_t>(0, total_steps - step)));
  *progress.mutable_eta() = ToProto(eta);
  return progress;
}

void StepTimer::Skip() { mark_ = clock_.Uptime(); }

double StepTimer::mean_seconds() const {
  return steps_ == 0 ? 0 : absl::ToDoubleSeconds(total_) / static_cast<double>(steps_);
}

}  // namespace vico::worker
