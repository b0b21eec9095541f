// What to report about a job, and when: heartbeats, events, retries and the self-fence, by which a
// worker stops before the server may grant its lease to another. Only state, without a thread or a
// clock; Reporter drives it. docs/job-states.md describes leases.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"

namespace vico::worker {

/// What a job should do next.
enum class Verdict {
  kGoOn,
  kCancel,  ///< stop and send Finish(cancelled)
  kDrain,   ///< stop and send Finish(released)
  kFinish,  ///< end a training after a step, and send Finish with its adapter
  kLost,    ///< stop and write nothing: another worker may have the job
};

/// Whether the job is to have a result.
inline bool GoesOn(Verdict verdict) {
  return verdict == Verdict::kGoOn || verdict == Verdict::kFinish;
}

struct ReportTiming {
  absl::Duration longest_gap = absl::Seconds(10);         ///< between reports, at most
  absl::Duration shortest_gap = absl::Milliseconds(250);  ///< between reports with events
  absl::Duration timeout = absl::Seconds(5);              ///< of one call
  absl::Duration fence = absl::Seconds(20);  ///< time without an acknowledged report: lost
  absl::Duration hang = absl::Seconds(120);  ///< time without NoteAlive: lost

  /// The defaults are for a lease of 30 s. A shorter lease scales all but `hang`.
  static ReportTiming ForLease(absl::Duration ttl);
};

/// One thread at a time. Times are readings of Clock::Uptime, which includes the time that the
/// machine is suspended.
class ReportPlan {
 public:
  /// `now`: when the lease was granted. The first report is due at once.
  ReportPlan(LeaseKey lease, const ReportTiming& timing, uint64_t jitter_seed, absl::Duration now);

  /// Queues an event. A progress event replaces a progress event at the end of the queue. No other
  /// event is dropped, and the order is kept.
  void Add(v1::Event event);

  /// Between these two, NoteAlive must be called at least every `timing.hang`.
  void StartWatching(absl::Duration now);
  void StopWatching();
  bool watching() const { return alive_.has_value(); }
  void NoteAlive(absl::Duration now);

  /// From now on events are due at once and not gathered for `shortest_gap`.
  void Hurry();

  absl::Duration due() const;  ///< when the next report is due

  /// The request to send at `now`: the unacknowledged one again, or a new one with the queued
  /// events.
  const v1::ReportRequest& Begin(absl::Duration now);

  /// Records the answer to the request that Begin returned.
  void End(const absl::StatusOr<v1::ReportResponse>& answer, absl::Duration now);

  bool all_acknowledged() const;

  /// The verdict at `now`. kLost is final.
  Verdict Judge(absl::Duration now);

  /// Why the verdict is kLost, or the last transient error; OK after an acknowledged report.
  const absl::Status& trouble() const { return trouble_; }
  bool hung() const { return hung_; }  ///< lost because NoteAlive was not called

 private:
  void Lose(absl::Status why);

  const LeaseKey lease_;
  const ReportTiming timing_;
  std::mt19937_64 random_;
  Backoff backoff_;
  std::deque<v1::Event> waiting_;
  std::optional<v1::ReportRequest> pending_;  // sent at least once, not acknowledged
  uint64_t next_number_ = 1;
  absl::Duration sent_;                  // start of the newest call
  absl::Duration acknowledged_sent_;     // start of the last acknowledged call
  std::optional<absl::Duration> alive_;  // unset: not watched
  absl::Duration next_heartbeat_;
  std::optional<absl::Duration> retry_at_;
  v1::Directive directive_ = v1::DIRECTIVE_CONTINUE;
  bool hurry_ = false;
  bool lost_ = false;
  bool hung_ = false;
  absl::Status trouble_;
};

}  // namespace vico::worker
