#include "worker/job/report_plan.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/proto_time.h"

namespace vico::worker {
namespace {

constexpr int kMaxEventsPerReport = 256;

}  // namespace

ReportTiming ReportTiming::ForLease(absl::Duration ttl) {
  const double scale = std::min(1.0, absl::FDivDuration(ttl, absl::Seconds(30)));
  ReportTiming timing;
  timing.longest_gap *= scale;
  timing.shortest_gap *= scale;
  timing.timeout *= scale;
  timing.fence *= scale;
  return timing;
}

ReportPlan::ReportPlan(LeaseKey lease, const ReportTiming& timing, uint64_t jitter_seed,
                       absl::Duration now)
    : lease_(std::move(lease)),
      timing_(timing),
      random_(jitter_seed),
      backoff_(WorkerBackoff(jitter_seed,
                             {.first = timing.shortest_gap, .longest = timing.timeout / 2})),
      sent_(now - timing.shortest_gap),
      acknowledged_sent_(now),
      next_heartbeat_(now) {}

void ReportPlan::Add(v1::Event event) {
  if (event.has_progress() && !waiting_.empty() && waiting_.back().has_progress()) {
    waiting_.back() = std::move(event);
  } else {
    waiting_.push_back(std::move(event));
  }
}

void ReportPlan::StartWatching(absl::Duration now) { alive_ = now; }

void ReportPlan::StopWatching() { alive_.reset(); }

void ReportPlan::NoteAlive(absl::Duration now) {
  if (alive_) alive_ = now;
}

void ReportPlan::Hurry() { hurry_ = true; }

absl::Duration ReportPlan::due() const {
  if (retry_at_) return *retry_at_;
  if (waiting_.empty()) return next_heartbeat_;
  if (hurry_) return sent_;
  return std::min(next_heartbeat_, sent_ + timing_.shortest_gap);
}

const v1::ReportRequest& ReportPlan::Begin(absl::Duration now) {
  if (!pending_) {
    auto& request = pending_.emplace();
    request.set_job(lease_.job);
    request.set_lease_id(lease_.lease_id);
    request.set_report_number(next_number_++);
    while (!waiting_.empty() && request.events_size() < kMaxEventsPerReport) {
      *request.add_events() = std::move(waiting_.front());
      waiting_.pop_front();
    }
  }
  sent_ = now;
  return *pending_;
}

void ReportPlan::End(const absl::StatusOr<v1::ReportResponse>& answer, absl::Duration now) {
  if (!answer.ok()) {
    if (IsTransient(answer.status())) {
      if (!lost_) trouble_ = answer.status();
      retry_at_ = now + backoff_.Next();
    } else {
      Lose(answer.status());
    }
    return;
  }
  pending_.reset();
  retry_at_.reset();
  backoff_.Reset();
  if (!lost_) trouble_ = absl::OkStatus();
  acknowledged_sent_ = sent_;
  directive_ = answer->directive();

  const absl::Duration gap = FromProto(answer->next_report_in()) *
                             std::uniform_real_distribution<double>(0.8, 1.2)(random_);
  next_heartbeat_ = sent_ + std::clamp(gap, timing_.shortest_gap, timing_.longest_gap);
}

bool ReportPlan::all_acknowledged() const { return waiting_.empty() && !pending_; }

Verdict ReportPlan::Judge(absl::Duration now) {
  if (lost_) return Verdict::kLost;
  if (now - acknowledged_sent_ > timing_.fence) {
    Lose(absl::DeadlineExceededError(fmt::format("no report was acknowledged for {:.1f} s: {}",
                                                 absl::ToDoubleSeconds(now - acknowledged_sent_),
                                                 std::string(trouble_.message()))));
  } else if (alive_ && now - *alive_ > timing_.hang) {
    hung_ = true;
    Lose(absl::DeadlineExceededError(fmt::format("the job made no progress for {:.1f} s",
                                                 absl::ToDoubleSeconds(now - *alive_))));
  }
  if (lost_) return Verdict::kLost;
  switch (directive_) {
    case v1::DIRECTIVE_CANCEL:
      return Verdict::kCancel;
    case v1::DIRECTIVE_DRAIN:
      return Verdict::kDrain;
    case v1::DIRECTIVE_FINISH:
      return Verdict::kFinish;
    default:
      return Verdict::kGoOn;
  }
}

void ReportPlan::Lose(absl::Status why) {
  if (lost_) return;
  lost_ = true;
  trouble_ = std::move(why);
}

}  // namespace vico::worker
