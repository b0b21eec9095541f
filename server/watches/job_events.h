// The stream of a watch: a job's stored events, then new ones, each followed by the bytes of its
// pictures.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/resources/blob_source.h"
#include "server/resources/stores.h"
#include "server/rpc/server_stream.h"
#include "vico/v1/job_service.pb.h"

namespace vico::server {

struct JobEventsOptions {
  std::string tenant;
  std::string job;  ///< "jobs/{id}"; must exist
  uint64_t after_sequence = 0;
  bool include_pictures = false;
  bool announce = false;  ///< start with a bookmark, which tells the job's name
  std::chrono::milliseconds bookmark{15'000};  ///< pause after which a bookmark is sent
  std::shared_ptr<Admission::Watch> watch{};   ///< counts the stream as an open watch
};

/// Reads events from the store by sequence number; the feed only says when. A slow watcher costs
/// one batch of events and one chunk of memory. While the job is queued its position is sent when
/// it changes. A response with nothing but the job's name is a bookmark: the stream is alive and
/// there is no new event.
class JobEvents final : public StreamSource<v1::WatchJobResponse> {
 public:
  /// `stores` must outlive it.
  JobEvents(Stores& stores, JobEventsOptions options, std::function<void()> wake);

  absl::StatusOr<Next> Pull(v1::WatchJobResponse& item) override;

 private:
  absl::StatusOr<Next> PullNext(v1::WatchJobResponse& item);
  absl::StatusOr<bool> PullPicture(v1::WatchJobResponse& item);
  absl::StatusOr<bool> ReadMore();
  absl::StatusOr<bool> PullPosition(v1::WatchJobResponse& item);

  Stores& stores_;
  JobEventsOptions options_;
  const EventFeed::Subscription subscription_;
  uint64_t sequence_;  // of the event read last
  std::chrono::steady_clock::time_point last_sent_ = std::chrono::steady_clock::now();
  bool first_read_ = true;
  bool ended_ = false;  // the terminal event has been read or will not come
  bool waits_ = true;   // the job may be queued
  std::chrono::steady_clock::time_point looked_{};  // at its position
  v1::Event::Position position_;                    // as sent
  std::deque<v1::Event> events_;
  std::deque<v1::BlobRef> pictures_;   // of the event sent last
  std::optional<BlobCursor> picture_;  // reads the first of pictures_
};

}  // namespace vico::server
