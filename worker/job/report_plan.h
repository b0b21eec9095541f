// What to report about a job, and when: heartbeats, events, retries, the self-fence. Pure
// bookkeeping, without a thread or a clock of its own; `reporter` drives it. Source: reliability.md
// section 3.
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
  kCancel,  ///< stop, say Finish(cancelled)
  kDrain,   ///< stop, say Finish(released)
  kLost,    ///< stop, write nothing: another worker may have the job
};

struct ReportTiming {
  absl::Duration interval = absl::Seconds(5);             ///< between heartbeats, ± 20 %
  absl::Duration longest_gap = absl::Seconds(10);         ///< whatever the server asks for
  absl::Duration shortest_gap = absl::Milliseconds(250);  ///< between reports with events
  absl::Duration timeout = absl::Seconds(5);              ///< of one call
  absl::Duration fence = absl::Seconds(20);  ///< this long without an acknowledged report: lost
  absl::Duration hang = absl::Seconds(120);  ///< this long without a sign of life: lost

  /// A lease of 30 s gives the numbers above; a shorter one scales all but `hang`.
  static ReportTiming ForLease(absl::Duration ttl);
};

/// One thread at a time. Times are readings of Clock::Uptime, whose clock goes on while the
/// machine sleeps.
class ReportPlan {
 public:
  /// `now`: when the grant arrived. The first report is due at once.
  ReportPlan(LeaseKey lease, const ReportTiming& timing, uint64_t jitter_seed, absl::Duration now);

  /// Queues an event. A progress event replaces one that waits as the last; no other is ever
  /// dropped, and the order is kept.
  void Add(v1::Event event);

  /// Between the two, NoteAlive must be called at least every `timing.hang`.
  void StartWatching(absl::Duration now);
  void StopWatching();
  bool watching() const { return alive_.has_value(); }
  void NoteAlive(absl::Duration now);

  /// From now on events go out at once, without waiting for others to join them.
  void Hurry();

  absl::Duration due() const;  ///< when to call next

  /// The request to send at `now`: the unacknowledged one again, or the next with what has
  /// gathered.
  const v1::ReportRequest& Begin(absl::Duration now);

  /// The answer to the request that Begin gave.
  void End(const absl::StatusOr<v1::ReportResponse>& answer, absl::Duration now);

  bool all_acknowledged() const;

  /// kLost stays, once said.
  Verdict Judge(absl::Duration now);

  /// Why the verdict is kLost, or the last transient error; OK when all is well.
  const absl::Status& trouble() const { return trouble_; }
  bool hung() const { return hung_; }  ///< lost because the job showed no sign of life

 private:
  void Lose(absl::Status why);

  const LeaseKey lease_;
  const ReportTiming timing_;
  std::mt19937_64 random_;
  BackOff back_off_;
  std::deque<v1::Event> waiting_;
  std::optional<v1::ReportRequest> pending_;  // sent at least once, not acknowledged
  uint64_t next_number_ = 1;
  absl::Duration sent_;                  // start of the call under way or last made
  absl::Duration acknowledged_sent_;     // start of the last call that was acknowledged
  std::optional<absl::Duration> alive_;  // absent: not watched
  absl::Duration next_heartbeat_;
  std::optional<absl::Duration> retry_at_;
  v1::Directive directive_ = v1::DIRECTIVE_CONTINUE;
  bool hurry_ = false;
  bool lost_ = false;
  bool hung_ = false;
  absl::Status trouble_;
};

}  // namespace vico::worker
