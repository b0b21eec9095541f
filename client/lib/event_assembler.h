// Puts a watch's messages together again: an event, and the bytes of the blob it names.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <absl/status/status.h>

#include "vico/v1/job.pb.h"
#include "vico/v1/job_service.pb.h"

namespace vico::client {

/// The blob an event names; null for an event without one. Points into `event`.
const v1::BlobRef* BlobOf(const v1::Event& event);

/// Whether nothing comes after this event.
bool IsTerminal(const v1::Event& event);

/// Fed the messages of one or more streams of one job in turn, hands on each event once, with its
/// bytes. An event that names a blob waits for the blob's last chunk; a stream that breaks off
/// before it is resumed after `delivered()`, so that the event comes again.
class EventAssembler {
 public:
  /// `bytes` is null for an event without a blob or whose bytes were not sent.
  using Deliver = std::function<absl::Status(const v1::Event& event, const std::string* bytes)>;

  EventAssembler(std::uint64_t after_sequence, bool include_pictures, Deliver deliver);

  /// kDataLoss for a gap in the sequence numbers, or for bytes that do not match their digest; else
  /// what Deliver returns. Events that came before are passed over.
  absl::Status Take(v1::WatchJobResponse&& message);

  /// The stream has ended: forgets an event that is not whole.
  void Interrupt();

  std::uint64_t delivered() const { return delivered_; }
  /// The job's last event, once it was handed on.
  const std::optional<v1::Event>& terminal() const { return terminal_; }

 private:
  absl::Status TakeEvent(v1::Event&& event);
  absl::Status TakeChunk(const v1::PictureChunk& chunk);
  absl::Status HandOn(const v1::Event& event, const std::string* bytes);

  bool include_pictures_;
  Deliver deliver_;
  std::uint64_t delivered_;
  std::optional<v1::Event> waiting_;  // for its chunks
  std::string bytes_;                 // of waiting_, so far
  std::optional<v1::Event> terminal_;
};

}  // namespace vico::client
