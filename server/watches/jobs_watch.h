// The stream of WatchJobs: the present state of a tenant's jobs, then what changes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/jobs/job_changes.h"
#include "server/jobs/job_filter.h"
#include "server/resources/stores.h"
#include "server/rpc/server_stream.h"
#include "server/watches/watch_cursor.h"
#include "vico/v1/job_service.pb.h"

namespace vico::server {

struct JobsWatchOptions {
  using Time = std::chrono::steady_clock::time_point;

  std::string tenant;
  JobFilter filter;
  uint32_t filter_checksum = 0;                ///< binds cursors to the filter
  std::optional<WatchCursor> cursor{};         ///< of an earlier stream
  int initial_jobs = 100;                      ///< without a cursor
  std::chrono::milliseconds bookmark{15'000};  ///< pause after which a keepalive is sent
  std::chrono::milliseconds poll{3'000};       ///< longest pause between two looks at the jobs
  std::shared_ptr<Admission::Watch> watch{};   ///< counts the stream as an open watch
  std::function<void(Time)> wake_at{};         ///< causes a Pull() at that time; any thread
};

/// Looks at the tenant's jobs when the feed says that one has changed, at most ten times a second.
/// What a slow reader has not read is not collected: the stream remembers how far it is with each
/// job, reads one batch of events at a time, and of consecutive progress events in it sends the
/// last. So it costs some bytes for each running, queued or recent job, and one batch.
class JobsWatch final : public StreamSource<v1::WatchJobsResponse> {
 public:
  /// The references must outlive it.
  JobsWatch(Stores& stores, const Clock& clock, JobsWatchOptions options,
            const std::function<void()>& wake);

  absl::StatusOr<Next> Pull(v1::WatchJobsResponse& item) override;

 private:
  using Time = JobsWatchOptions::Time;

  /// How far the client is with a job.
  struct Known {
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;  ///< at the last look
    uint64_t sequence = 0;                           ///< of the last event that was sent
    uint64_t newest = 0;                             ///< of the last event, at the last look
    int64_t update_time = 0;                         ///< of the last update that was sent
    int64_t newest_update = 0;                       ///< at the last look
    std::optional<uint64_t> position{};              ///< in the queue, as sent
    bool unavailable = false;                        ///< its base model, as sent
    bool has_snapshot = false;
    bool from_start = false;  ///< send all events after the snapshot
    bool matches = false;     ///< the client knows it in a state of the filter
    bool due = false;         ///< is in due_
    Time seen;                ///< last look that found it
  };

  /// A message, and how far the client is with its job once it has it.
  struct Pending {
    v1::WatchJobsResponse message;
    uint64_t sequence = 0;  ///< 0: no change
  };

  absl::StatusOr<Next> PullNext(v1::WatchJobsResponse& item);
  absl::Status Begin();
  absl::Status ReadInitialPage();
  absl::StatusOr<bool> Look();
  void TakeMark(const JobMark& mark, Time now);
  absl::Status TakeMissing(Time now);
  void TakeDeleted(const std::vector<std::string>& names, Time now);
  void MarkDue(const std::string& job, Known& known);
  absl::Status Fill(const std::string& job, Known& known);
  absl::StatusOr<bool> FillEvents(const std::string& job, Known& known);
  absl::Status FillSnapshot(const std::string& job, Known& known);
  void SetSnapshot(Known& known, v1::Job job);
  void AddPosition(const std::string& job, Known& known, const JobMark& mark);
  bool Matches(v1::JobState state) const;
  v1::WatchJobsResponse& Add(const std::string& job, uint64_t sequence = 0);
  std::string CursorNow() const;

  Stores& stores_;
  const Clock& clock_;
  JobsWatchOptions options_;
  const std::shared_ptr<std::atomic<bool>> changed_;  // since the last look
  const EventFeed::Subscription subscription_;

  std::map<std::string, Known> jobs_;    // by name
  std::map<std::string, Time> deleted_;  // sent lately
  std::deque<std::string> due_;          // jobs with news, in the order of their looks
  std::deque<Pending> pending_;

  // The initial list.
  bool begun_ = false;
  bool listed_ = false;
  std::set<std::string> ended_before_;  // lately
  int left_ = 0;                        // of initial_jobs
  std::string page_token_;

  bool first_look_ = true;
  bool wakes_ = false;  // wake_at was called for the next look
  Time looked_{};       // time of the last look
  Time positions_{};    // and of the last one with positions
  absl::Time looked_wall_;
  absl::Time complete_;  // everything that changed before this wall time has been sent
  Time last_sent_ = std::chrono::steady_clock::now();
};

}  // namespace vico::server
