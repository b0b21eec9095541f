// Reassembles the messages of a watch: an event, followed by the bytes of its blob.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <absl/status/status.h>

#include "vico/v1/job.pb.h"
#include "vico/v1/job_service.pb.h"

namespace vico::client {

/// The blob of an event, or null. Points into `event`.
const v1::BlobRef* BlobOf(const v1::Event& event);

/// Whether this is the last event of its job.
bool IsTerminal(const v1::Event& event);

/// Takes the messages of one job, from one stream after another, and delivers each event once, with
/// its bytes. An event with a blob is delivered after the last chunk. If the stream ends earlier,
/// the next one starts after `delivered()` and sends the event again.
class EventAssembler {
 public:
  /// `bytes` is null if the event has no blob or the server did not send the bytes.
  using Deliver = std::function<absl::Status(const v1::Event& event, const std::string* bytes)>;

  EventAssembler(std::uint64_t after_sequence, bool include_pictures, Deliver deliver);

  /// kDataLoss for a gap in the sequence numbers and for bytes that do not match their digest; else
  /// the status that Deliver returns. Skips events that were delivered before.
  absl::Status Take(v1::WatchJobResponse&& message);

  /// Call this when a stream ends: drops an incomplete event.
  void EndStream();

  std::uint64_t delivered() const { return delivered_; }
  /// The last event of the job, after its delivery.
  const std::optional<v1::Event>& terminal() const { return terminal_; }

 private:
  absl::Status TakeEvent(v1::Event&& event);
  absl::Status TakeChunk(const v1::PictureChunk& chunk);
  absl::Status DeliverEvent(const v1::Event& event, const std::string* bytes);

  bool include_pictures_;
  Deliver deliver_;
  std::uint64_t delivered_;
  std::optional<v1::Event> pending_;  // some of its chunks have not arrived
  std::string bytes_;                 // of pending_, so far
  std::optional<v1::Event> terminal_;
};

}  // namespace vico::client
