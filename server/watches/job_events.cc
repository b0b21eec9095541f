#include "server/watches/job_events.h"

#include <vector>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "server/jobs/picture_names.h"
#include "server/resources/shown_job.h"

namespace vico::server {
namespace {

constexpr int kBatch = 64;                                     // events read at once
constexpr std::chrono::milliseconds kBetweenPositions{2'500};  // below the default of `poll`
constexpr uint64_t kChunk = uint64_t{64} << 10;  // bytes; each of many watchers may hold one

}  // namespace

JobEvents::JobEvents(Stores& stores, JobEventsOptions options, std::function<void()> wake)
    : stores_(stores),
      options_(std::move(options)),
      subscription_(stores.feed.WatchJob(options_.job, std::move(wake))),
      sequence_(options_.after_sequence) {}

absl::StatusOr<Next> JobEvents::Pull(v1::WatchJobResponse& item) {
  item.set_job(options_.job);
  ASSIGN_OR_RETURN(Next next, PullNext(item));
  const auto now = std::chrono::steady_clock::now();
  if (next == Next::kWait && now - last_sent_ >= options_.bookmark) next = Next::kItem;
  if (next == Next::kItem) last_sent_ = now;
  return next;
}

absl::StatusOr<Next> JobEvents::PullNext(v1::WatchJobResponse& item) {
  if (options_.announce) {
    options_.announce = false;
    return Next::kItem;
  }
  ASSIGN_OR_RETURN(const bool has_chunk, PullPicture(item));
  if (has_chunk) return Next::kItem;
  if (events_.empty()) {
    if (ended_) return Next::kEnd;
    ASSIGN_OR_RETURN(const bool more, ReadMore());
    if (!more) {
      if (ended_) return Next::kEnd;
      ASSIGN_OR_RETURN(const bool moved, PullPosition(item));
      return moved ? Next::kItem : Next::kWait;
    }
  }
  VICO_FAILPOINT("watch.mid_stream");
  *item.mutable_event() = std::move(events_.front());
  events_.pop_front();
  if (options_.include_pictures) {
    for (v1::BlobRef& blob : BlobsNamedBy(item.event())) pictures_.push_back(std::move(blob));
  }
  return Next::kItem;
}

/// Sends the next chunk of the last event's pictures: false when there is none. Skips pictures that
/// are no longer stored.
absl::StatusOr<bool> JobEvents::PullPicture(v1::WatchJobResponse& item) {
  while (!pictures_.empty()) {
    if (!picture_) {
      auto reader = stores_.blobs.Open(options_.tenant, pictures_.front().sha256());
      if (absl::IsNotFound(reader.status())) {
        pictures_.pop_front();
        continue;
      }
      if (!reader.ok()) return reader.status();
      picture_.emplace(*std::move(reader), kChunk);
    }
    ASSIGN_OR_RETURN(BlobCursor::Chunk chunk, picture_->Next());
    v1::PictureChunk& out = *item.mutable_chunk();
    out.set_sha256(pictures_.front().sha256());
    out.set_offset(chunk.offset);
    out.set_data(std::move(chunk.data));
    out.set_last(chunk.last);
    if (chunk.last) {
      picture_.reset();
      pictures_.pop_front();
    }
    return true;
  }
  return false;
}

/// Reads the next batch of events: false when it is empty.
absl::StatusOr<bool> JobEvents::ReadMore() {
  ASSIGN_OR_RETURN(std::vector<v1::Event> read,
                   stores_.jobs.EventsAfter(options_.tenant, options_.job, sequence_, kBatch));
  if (read.empty() && first_read_) {
    // A watcher that has all events of a finished job must not wait for more.
    ASSIGN_OR_RETURN(const v1::Job job, stores_.jobs.Get(options_.tenant, options_.job));
    if (sequence_ > job.last_sequence()) {
      return FieldError("after_sequence",
                        fmt::format("must be at most {}, the job's newest, got {}",
                                    job.last_sequence(), sequence_));
    }
    ended_ = IsTerminal(job.state()) && sequence_ == job.last_sequence();
    if (!ended_ && sequence_ < job.last_sequence()) return ReadMore();
    first_read_ = false;
  }
  for (v1::Event& event : read) {
    sequence_ = event.sequence();
    ended_ = ended_ || IsTerminal(event);
    if (event.has_queued()) position_.set_position(event.queued().position());
    waits_ = event.has_queued() || (waits_ && !event.has_started());
    NamePictures(options_.job, event);
    events_.push_back(std::move(event));
  }
  return !events_.empty();
}

/// Sends the position of a queued job if it has changed: false when there is nothing to send.
absl::StatusOr<bool> JobEvents::PullPosition(v1::WatchJobResponse& item) {
  const auto now = std::chrono::steady_clock::now();
  if (!waits_ || now - looked_ < kBetweenPositions) return false;
  looked_ = now;
  ASSIGN_OR_RETURN(v1::Job found, stores_.jobs.Get(options_.tenant, options_.job));
  const v1::Job job = Shown(stores_.workers, std::move(found));
  waits_ = job.state() == v1::JOB_STATE_QUEUED;
  const bool same = job.queue_position() == position_.position() &&
                    job.base_model_unavailable() == position_.base_model_unavailable();
  if (!waits_ || same) return false;
  position_.set_position(job.queue_position());
  position_.set_base_model_unavailable(job.base_model_unavailable());
  *item.mutable_position() = position_;
  return true;
}

}  // namespace vico::server
