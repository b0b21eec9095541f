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
      thread_([this] { Run(); }) {}

Reporter::~Reporter() { Stop(); }

void Reporter::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyOne();
  if (thread_.joinable()) thread_.join();
}

void Reporter::Add(v1::Event event) {
  {
    const MutexLock lock(mutex_);
    plan_.Add(std::move(event));
    changed_ = true;
  }
  wake_.NotifyOne();
}

Verdict Reporter::Poll() {
  const MutexLock lock(mutex_);
  const absl::Duration now = clock_.Uptime();
  plan_.NoteAlive(now);
  return plan_.Judge(now);
}

void Reporter::WaitUntilAcknowledged() {
  changed_ = true;
  wake_.NotifyOne();
  progress_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return ended_ || plan_.all_acknowledged();
  });
}

void Reporter::Flush() {
  const MutexLock lock(mutex_);
  WaitUntilAcknowledged();
}

Verdict Reporter::FlushAndStop() {
  Verdict verdict{};
  {
    const MutexLock lock(mutex_);
    plan_.Hurry();
    WaitUntilAcknowledged();
    verdict = plan_.Judge(clock_.Uptime());
  }
  Stop();
  return verdict;
}

void Reporter::Run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    const absl::Duration now = clock_.Uptime();
    if (plan_.Judge(now) == Verdict::kLost) break;
    if (const absl::Duration wait = plan_.due() - now; wait > absl::ZeroDuration()) {
      wake_.WaitFor(mutex_, absl::ToChronoNanoseconds(wait), [this] {
        mutex_.AssertHeld();
        return changed_ || stopping_;
      });
      changed_ = false;
      continue;
    }
    v1::ReportRequest request = plan_.Begin(now);
    const bool was_well = plan_.trouble().ok();
    lock.Unlock();
    if (options_.load) *request.mutable_load() = options_.load();
    const absl::Status stopped = VICO_FAILPOINT_STATUS("report.before_send");
    const auto answer = stopped.ok() ? link_.Report(request, options_.timing.timeout)
                                     : absl::StatusOr<v1::ReportResponse>(stopped);
    lock.Lock();
    plan_.End(answer, clock_.Uptime());
    progress_.NotifyAll();
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
  lock.Unlock();
  progress_.NotifyAll();
  if (lost) log_.Warning("lease lost", {{"reason", why}});
  if (hung && options_.on_hang) options_.on_hang();
}

Reporter::Watch::Watch(Reporter& reporter) : reporter_(reporter) {
  const MutexLock lock(reporter_.mutex_);
  reporter_.plan_.StartWatching(reporter_.clock_.Uptime());
}

Reporter::Watch::~Watch() {
  const MutexLock lock(reporter_.mutex_);
  reporter_.plan_.StopWatching();
}

Reporter::Rest::Rest(Reporter& reporter) : reporter_(reporter) {
  const MutexLock lock(reporter_.mutex_);
  watched_ = reporter_.plan_.watching();
  reporter_.plan_.StopWatching();
}

Reporter::Rest::~Rest() {
  const MutexLock lock(reporter_.mutex_);
  if (watched_) reporter_.plan_.StartWatching(reporter_.clock_.Uptime());
}

}  // namespace vico::worker
