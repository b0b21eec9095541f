// What a watcher is sent: a job's events, replayed and then live, each followed by the bytes of the
// pictures it names.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/services/blob_source.h"
#include "server/rpc/server_stream.h"
#include "server/services/stores.h"
#include "vico/v1/job_service.pb.h"

namespace vico::server {

struct JobEventsOptions {
  std::string tenant;
  std::string job;  ///< "jobs/{id}", which exists
  uint64_t after_sequence = 0;
  bool include_pictures = false;
  bool announce = false;  ///< begin with a response that names the job and holds nothing
  std::chrono::milliseconds bookmark{15'000};  ///< and send such a one after a silence this long
  std::shared_ptr<Admission::Watch> place{};   ///< among the open watches, kept while it streams
};

/// The event rows are the truth; the feed only says when to read them. What lies between the two
/// and a slow watcher is one batch of events and one chunk: whatever happens while it does not read
/// stays in the rows and is read by number. A response that names the job and no more is a
/// bookmark: the stream lives, and there is nothing new.
class JobEvents final : public StreamSource<v1::WatchJobResponse> {
 public:
  /// `stores` must outlive it.
  JobEvents(Stores& stores, JobEventsOptions options, std::function<void()> wake);

  absl::StatusOr<Next> Pull(v1::WatchJobResponse& item) override;

 private:
  absl::StatusOr<Next> PullNext(v1::WatchJobResponse& item);
  absl::StatusOr<bool> PullPicture(v1::WatchJobResponse& item);
  absl::StatusOr<bool> ReadMore();

  Stores& stores_;
  JobEventsOptions options_;
  const EventFeed::Subscription subscription_;
  uint64_t sequence_;  // of the last event read
  std::chrono::steady_clock::time_point last_sent_ = std::chrono::steady_clock::now();
  bool first_look_ = true;
  bool ended_ = false;  // the terminal event has been read, or none will come
  std::deque<v1::Event> events_;
  std::deque<v1::BlobRef> pictures_;   // of the event sent last
  std::optional<BlobCursor> picture_;  // the first of pictures_, begun
};

}  // namespace vico::server
