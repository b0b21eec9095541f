#include "worker/job/reporter.h"

#include <string>
#include <utility>

#include "common/failpoint.h"

namespace vico::worker {

Reporter::Reporter(ServerLink& link, const Clock& clock, const Log& log, LeaseKey lease,
                   Options options)
    : link_(link),
      clock_(clock),
      log_(log),
      options_(std::move(options)),
      plan_(std::move(lease), options_.timing, options_.jitter_seed, clock.Uptime()),
      thread_([this](std::stop_token stop) { Run(stop); }) {}

Reporter::~Reporter() = default;  // jthread asks its thread to stop and joins it

void Reporter::Add(v1::Event event) {
  {
    const std::lock_guard lock(mutex_);
    plan_.Add(std::move(event));
    woken_ = true;
  }
  wake_.notify_one();
}

Verdict Reporter::Poll() {
  const std::lock_guard lock(mutex_);
  const absl::Duration now = clock_.Uptime();
  plan_.NoteAlive(now);
  return plan_.Judge(now);
}

Verdict Reporter::FlushAndStop() {
  std::unique_lock lock(mutex_);
  plan_.Hurry();
  woken_ = true;
  wake_.notify_one();
  moved_.wait(lock, [&] { return ended_ || plan_.all_acknowledged(); });
  const Verdict verdict = plan_.Judge(clock_.Uptime());
  lock.unlock();
  thread_.request_stop();
  thread_.join();
  return verdict;
}

void Reporter::Run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const absl::Duration now = clock_.Uptime();
    if (plan_.Judge(now) == Verdict::kLost) break;
    if (const absl::Duration wait = plan_.due() - now; wait > absl::ZeroDuration()) {
      wake_.wait_for(lock, stop, absl::ToChronoNanoseconds(wait), [&] { return woken_; });
      woken_ = false;
      continue;
    }
    v1::ReportRequest request = plan_.Begin(now);
    const bool was_well = plan_.trouble().ok();
    lock.unlock();
    if (options_.load) *request.mutable_load() = options_.load();
    const absl::Status stopped = VICO_FAILPOINT_STATUS("report.before_send");
    const auto answer = stopped.ok() ? link_.Report(request, options_.timing.timeout)
                                     : absl::StatusOr<v1::ReportResponse>(stopped);
    lock.lock();
    plan_.End(answer, clock_.Uptime());
    moved_.notify_all();
    if (was_well && !answer.ok() && IsTransient(answer.status())) {
      log_.Warning("reports are not acknowledged", {{"error", answer.status().ToString()}});
    } else if (!was_well && answer.ok()) {
      log_.Info("reports are acknowledged again");
    }
  }
  ended_ = true;
  const bool lost = plan_.Judge(clock_.Uptime()) == Verdict::kLost;
  const std::string why = plan_.trouble().ToString();
  const bool hung = plan_.hung();
  lock.unlock();
  moved_.notify_all();
  if (lost) log_.Warning("lease lost", {{"reason", why}});
  if (hung && options_.on_hang) options_.on_hang();
}

Reporter::Watch::Watch(Reporter& reporter) : reporter_(reporter) {
  const std::lock_guard lock(reporter_.mutex_);
  reporter_.plan_.StartWatching(reporter_.clock_.Uptime());
}

Reporter::Watch::~Watch() {
  const std::lock_guard lock(reporter_.mutex_);
  reporter_.plan_.StopWatching();
}

Reporter::Rest::Rest(Reporter& reporter) : reporter_(reporter) {
  const std::lock_guard lock(reporter_.mutex_);
  watched_ = reporter_.plan_.watching();
  reporter_.plan_.StopWatching();
}

Reporter::Rest::~Rest() {
  const std::lock_guard lock(reporter_.mutex_);
  if (watched_) reporter_.plan_.StartWatching(reporter_.clock_.Uptime());
}

}  // namespace vico::worker
