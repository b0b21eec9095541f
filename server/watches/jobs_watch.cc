#include "server/watches/jobs_watch.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "server/jobs/job.h"
#include "server/jobs/job_states.h"
#include "server/jobs/picture_names.h"
#include "server/resources/shown_job.h"

namespace vico::server {
namespace {

constexpr int kEventsAtOnce = 64;
constexpr int kInitialPage = 50;
constexpr std::chrono::milliseconds kBetweenLooks{100};
constexpr std::chrono::milliseconds kPositionInterval{2'500};
// A look goes back further than the last one: servers' clocks differ, and a change is committed
// after its time was taken.
constexpr absl::Duration kOverlap = absl::Minutes(2);
constexpr std::chrono::minutes kForget{5};  // a finished job, longer than kOverlap

/// Drops each progress event that another one follows: the newer one says all.
std::vector<v1::Event> WithoutOldProgress(std::vector<v1::Event> events) {
  std::vector<v1::Event> kept;
  for (v1::Event& event : events) {
    if (event.has_progress() && !kept.empty() && kept.back().has_progress()) kept.pop_back();
    kept.push_back(std::move(event));
  }
  return kept;
}

}  // namespace

JobsWatch::JobsWatch(Stores& stores, const Clock& clock, JobsWatchOptions options,
                     const std::function<void()>& wake)
    : stores_(stores),
      clock_(clock),
      options_(std::move(options)),
      changed_(std::make_shared<std::atomic<bool>>(true)),
      subscription_(stores.feed.WatchTenant(options_.tenant,
                                            [changed = changed_, wake] {
                                              *changed = true;
                                              wake();
                                            })),
      left_(options_.initial_jobs),
      looked_wall_(clock.Now()),
      complete_(looked_wall_) {
  if (!options_.cursor) return;
  begun_ = listed_ = true;
  complete_ = looked_wall_ = options_.cursor->time;
  for (const WatchCursor::Seen& seen : options_.cursor->jobs) {
    Known& known = jobs_[seen.job];
    known.has_snapshot = known.matches = true;
    known.sequence = known.newest = seen.sequence;
    known.seen = std::chrono::steady_clock::now();
  }
}

absl::StatusOr<Next> JobsWatch::Pull(v1::WatchJobsResponse& item) {
  ASSIGN_OR_RETURN(Next next, PullNext(item));
  const auto now = std::chrono::steady_clock::now();
  if (next == Next::kWait && now - last_sent_ >= options_.bookmark) next = Next::kItem;
  if (next == Next::kItem) {
    last_sent_ = now;
    item.set_cursor(CursorNow());
  }
  return next;
}

absl::StatusOr<Next> JobsWatch::PullNext(v1::WatchJobsResponse& item) {
  while (pending_.empty()) {
    if (!begun_) {
      RETURN_IF_ERROR(Begin());
    } else if (!listed_) {
      RETURN_IF_ERROR(ReadInitialPage());
    } else if (!due_.empty()) {
      const std::string job = due_.front();
      const auto known = jobs_.find(job);
      if (known == jobs_.end()) {
        due_.pop_front();
      } else {
        RETURN_IF_ERROR(Fill(job, known->second));
      }
    } else {
      complete_ = looked_wall_;
      ASSIGN_OR_RETURN(const bool looked, Look());
      if (!looked) return Next::kWait;
    }
  }
  Pending& pending = pending_.front();
  if (pending.sequence != 0) {
    if (const auto known = jobs_.find(pending.message.job()); known != jobs_.end()) {
      known->second.sequence = std::max(known->second.sequence, pending.sequence);
    }
  }
  item = std::move(pending.message);
  pending_.pop_front();
  return Next::kItem;
}

/// Remembers what ended or was deleted before the list: it is in the list, or was left out of it.
absl::Status JobsWatch::Begin() {
  ASSIGN_OR_RETURN(const RecentJobs recent,
                   stores_.changes.Recent(
                       {.tenant = options_.tenant, .filter = options_.filter, .age = kOverlap}));
  for (const JobMark& mark : recent.jobs) {
    if (IsTerminal(mark.state)) ended_before_.insert(mark.name);
  }
  for (const std::string& name : recent.deleted) {
    deleted_.emplace(name, std::chrono::steady_clock::now());
  }
  begun_ = true;
  return absl::OkStatus();
}

/// The state of the newest jobs, before anything else.
absl::Status JobsWatch::ReadInitialPage() {
  const int size = std::min(left_, kInitialPage);
  if (size > 0) {
    ASSIGN_OR_RETURN(JobPage page, stores_.jobs.List({.tenant = options_.tenant,
                                                      .page_size = size,
                                                      .page_token = page_token_,
                                                      .filter = options_.filter}));
    left_ = page.next_page_token.empty() ? 0 : left_ - size;
    page_token_ = std::move(page.next_page_token);
    for (v1::Job& job : page.jobs) {
      Known& known = jobs_[job.name()];
      known.state = job.state();
      known.sequence = known.newest = job.last_sequence();
      known.has_snapshot = known.matches = true;
      known.seen = std::chrono::steady_clock::now();
      Add(job.name());
      SetSnapshot(known, std::move(job));
    }
  }
  if (left_ > 0) return absl::OkStatus();
  listed_ = true;
  Add("").mutable_ready();
  return absl::OkStatus();
}

/// Finds what has changed. False when it is not time yet, or nothing has.
absl::StatusOr<bool> JobsWatch::Look() {
  const Time now = std::chrono::steady_clock::now();
  const bool due = first_look_ || now - looked_ >= options_.poll / 2;
  if (!due && !*changed_) return false;
  if (!first_look_ && now - looked_ < kBetweenLooks) {
    if (!wakes_ && options_.wake_at) options_.wake_at(looked_ + kBetweenLooks);
    wakes_ = true;
    return false;
  }
  wakes_ = false;
  *changed_ = false;
  const bool any_queued = std::any_of(jobs_.begin(), jobs_.end(), [](const auto& entry) {
    return entry.second.state == v1::JOB_STATE_QUEUED;
  });
  const bool positions = any_queued && now - positions_ >= kPositionInterval;
  const absl::Time wall = clock_.Now();
  const absl::Duration since = std::max(wall - looked_wall_, absl::ZeroDuration());
  ASSIGN_OR_RETURN(const RecentJobs recent,
                   stores_.changes.Recent({.tenant = options_.tenant,
                                           .filter = options_.filter,
                                           .age = since + kOverlap,
                                           .with_queue_position = positions}));
  looked_ = now;
  looked_wall_ = wall;
  if (positions) positions_ = now;
  for (const JobMark& mark : recent.jobs) {
    TakeMark(mark, now);
    if (!positions || mark.state != v1::JOB_STATE_QUEUED) continue;
    if (const auto known = jobs_.find(mark.name); known != jobs_.end()) {
      AddPosition(mark.name, known->second, mark);
    }
  }
  RETURN_IF_ERROR(TakeMissing(now));
  TakeDeleted(recent.deleted, now);
  if (first_look_ && options_.cursor) Add("").mutable_ready();
  first_look_ = false;
  ended_before_.clear();
  return !due_.empty() || !pending_.empty();
}

bool JobsWatch::Matches(v1::JobState state) const {
  const std::vector<v1::JobState>& states = options_.filter.states;
  return states.empty() || std::find(states.begin(), states.end(), state) != states.end();
}

void JobsWatch::MarkDue(const std::string& job, Known& known) {
  if (known.due) return;
  known.due = true;
  due_.push_back(job);
}

void JobsWatch::TakeMark(const JobMark& mark, Time now) {
  auto found = jobs_.find(mark.name);
  if (found == jobs_.end()) {
    if (!Matches(mark.state) || ended_before_.contains(mark.name)) return;
    found = jobs_.emplace(mark.name, Known{}).first;
    found->second.from_start = first_look_ && options_.cursor.has_value();
  }
  Known& known = found->second;
  known.seen = now;
  known.state = mark.state;
  known.newest = mark.last_sequence;
  if (first_look_ && !options_.cursor && known.has_snapshot) known.update_time = mark.update_time;
  known.newest_update = mark.update_time;
  const bool news = !known.has_snapshot || known.newest > known.sequence ||
                    known.newest_update > known.update_time;
  if (news && (known.matches || Matches(mark.state))) MarkDue(mark.name, known);
}

/// Jobs that the look did not find: finished ones are forgotten. Others have ended without a time
/// that the look covers, as when the clock was set.
absl::Status JobsWatch::TakeMissing(Time now) {
  for (auto entry = jobs_.begin(); entry != jobs_.end();) {
    const std::string& name = entry->first;
    Known& known = entry->second;
    if (known.seen == now || known.due) {
      ++entry;
      continue;
    }
    if (IsTerminal(known.state)) {
      entry = now - known.seen > kForget ? jobs_.erase(entry) : std::next(entry);
      continue;
    }
    const absl::StatusOr<v1::Job> job = stores_.jobs.Get(options_.tenant, name);
    if (absl::IsNotFound(job.status())) {
      if (deleted_.emplace(name, now).second) Add(name).mutable_deleted();
      entry = jobs_.erase(entry);
      continue;
    }
    if (!job.ok()) return job.status();
    known.state = job->state();
    known.newest = job->last_sequence();
    known.seen = now;
    if (known.newest > known.sequence) MarkDue(name, known);
    ++entry;
  }
  return absl::OkStatus();
}

void JobsWatch::TakeDeleted(const std::vector<std::string>& names, Time now) {
  for (const std::string& name : names) {
    jobs_.erase(name);
    if (deleted_.emplace(name, now).second) Add(name).mutable_deleted();
  }
  std::erase_if(deleted_, [&](const auto& entry) { return now - entry.second > kForget; });
}

/// Puts the next news of the first job that is due into pending_.
absl::Status JobsWatch::Fill(const std::string& job, Known& known) {
  const auto done = [&] {
    known.due = false;
    due_.pop_front();
    return absl::OkStatus();
  };
  const bool entered = !known.has_snapshot || !known.matches;
  const auto fill = [&]() -> absl::StatusOr<bool> {
    if (entered) {
      RETURN_IF_ERROR(FillSnapshot(job, known));
      return known.from_start;  // and then its events
    }
    if (known.newest > known.sequence) {
      ASSIGN_OR_RETURN(const bool more, FillEvents(job, known));
      if (more) return true;
    }
    if (known.newest_update > known.update_time || !Matches(known.state)) {
      RETURN_IF_ERROR(FillSnapshot(job, known));
      known.matches = Matches(known.state);
    }
    return false;
  };
  const absl::StatusOr<bool> more = fill();
  if (absl::IsNotFound(more.status())) return done();  // deleted; the next look tells
  if (!more.ok()) return more.status();
  return *more ? absl::OkStatus() : done();
}

absl::Status JobsWatch::FillSnapshot(const std::string& job, Known& known) {
  ASSIGN_OR_RETURN(v1::Job found, stores_.jobs.Get(options_.tenant, job));
  const bool first = !known.has_snapshot;
  known.has_snapshot = known.matches = true;
  known.update_time = known.newest_update;
  // A client that continues may have missed events of a job that is not in its cursor.
  uint64_t sequence = 0;
  if (first && !known.from_start) sequence = known.sequence = found.last_sequence();
  Add(job, sequence);
  SetSnapshot(known, std::move(found));
  return absl::OkStatus();
}

/// Fills in the message that was added last.
void JobsWatch::SetSnapshot(Known& known, v1::Job job) {
  v1::Job& snapshot = *pending_.back().message.mutable_snapshot();
  snapshot = Shown(stores_.workers, std::move(job));
  if (snapshot.state() == v1::JOB_STATE_QUEUED) known.position = snapshot.queue_position();
  known.unavailable = snapshot.base_model_unavailable();
}

/// Reads one batch of events: true when there may be more.
absl::StatusOr<bool> JobsWatch::FillEvents(const std::string& job, Known& known) {
  ASSIGN_OR_RETURN(std::vector<v1::Event> events,
                   stores_.jobs.EventsAfter(options_.tenant, job, known.sequence, kEventsAtOnce));
  if (events.empty()) {
    known.sequence = known.newest;
    return false;
  }
  const uint64_t last = events.back().sequence();
  for (v1::Event& event : WithoutOldProgress(std::move(events))) {
    const uint64_t sequence = event.sequence();
    NamePictures(job, event);
    *Add(job, sequence).mutable_event() = std::move(event);
  }
  return last < known.newest;
}

void JobsWatch::AddPosition(const std::string& job, Known& known, const JobMark& mark) {
  const bool unavailable = !stores_.workers.IsAvailable(mark.base_model, mark.devices);
  if (!known.has_snapshot || !known.matches) return;
  if (known.position == mark.queue_position && known.unavailable == unavailable) return;
  known.position = mark.queue_position;
  known.unavailable = unavailable;
  v1::Event::Position& position = *Add(job).mutable_position();
  position.set_position(mark.queue_position);
  position.set_base_model_unavailable(unavailable);
}

v1::WatchJobsResponse& JobsWatch::Add(const std::string& job, uint64_t sequence) {
  pending_.push_back({.message = {}, .sequence = sequence});
  pending_.back().message.set_job(job);
  return pending_.back().message;
}

/// Empty until the client has the whole list: a stream that breaks off before starts again.
std::string JobsWatch::CursorNow() const {
  if (!listed_ || (first_look_ && !pending_.empty())) return "";
  WatchCursor cursor{.time = complete_, .filter = options_.filter_checksum};
  const auto add = [&](auto wanted) {
    for (const auto& [name, known] : jobs_) {
      if (cursor.jobs.size() >= kMaxSeen) return;
      if (known.has_snapshot && known.matches && wanted(known)) {
        cursor.jobs.push_back({name, known.sequence});
      }
    }
  };
  // Of the others the client gets events again.
  add([](const Known& known) { return known.state == v1::JOB_STATE_RUNNING; });
  add([](const Known& known) { return known.state != v1::JOB_STATE_RUNNING; });
  return WriteCursor(cursor);
}

}  // namespace vico::server
