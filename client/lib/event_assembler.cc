#include "client/lib/event_assembler.h"

#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"

namespace vico::client {

const v1::BlobRef* BlobOf(const v1::Event& event) {
  switch (event.what_case()) {
    case v1::Event::kSample:
      return &event.sample().picture().blob();
    case v1::Event::kMask:
      return &event.mask().blob();
    case v1::Event::kPreview:
      return &event.preview().blob();
    case v1::Event::kPicture:
      return &event.picture().blob();
    default:
      return nullptr;
  }
}

bool IsTerminal(const v1::Event& event) {
  return event.has_succeeded() || event.has_failed() || event.has_cancelled();
}

EventAssembler::EventAssembler(std::uint64_t after_sequence, bool include_pictures, Deliver deliver)
    : include_pictures_(include_pictures),
      deliver_(std::move(deliver)),
      delivered_(after_sequence) {}

absl::Status EventAssembler::Take(v1::WatchJobResponse&& message) {
  switch (message.item_case()) {
    case v1::WatchJobResponse::kEvent:
      return TakeEvent(std::move(*message.mutable_event()));
    case v1::WatchJobResponse::kChunk:
      return TakeChunk(message.chunk());
    default:
      return absl::OkStatus();  // a message that only names the job
  }
}

void EventAssembler::EndStream() {
  pending_.reset();
  bytes_.clear();
}

absl::Status EventAssembler::TakeEvent(v1::Event&& event) {
  if (pending_) {
    if (!bytes_.empty()) {
      return absl::DataLossError(fmt::format("the picture of event {} ends after {} bytes",
                                             pending_->sequence(), bytes_.size()));
    }
    const v1::Event without_bytes = *std::exchange(pending_, std::nullopt);
    RETURN_IF_ERROR(DeliverEvent(without_bytes, nullptr));
  }
  if (event.sequence() <= delivered_) return absl::OkStatus();
  if (event.sequence() != delivered_ + 1) {
    return absl::DataLossError(
        fmt::format("event {} follows event {}", event.sequence(), delivered_));
  }
  if (include_pictures_ && BlobOf(event) != nullptr) {
    pending_ = std::move(event);
    return absl::OkStatus();
  }
  return DeliverEvent(event, nullptr);
}

absl::Status EventAssembler::TakeChunk(const v1::PictureChunk& chunk) {
  if (!pending_) return absl::OkStatus();  // of an event that was delivered before
  const v1::BlobRef& blob = *BlobOf(*pending_);
  if (chunk.sha256() != blob.sha256() || chunk.offset() != bytes_.size() ||
      bytes_.size() + chunk.data().size() > blob.size_bytes()) {
    return absl::DataLossError(
        fmt::format("event {}: chunk of another picture or out of order", pending_->sequence()));
  }
  bytes_ += chunk.data();
  if (!chunk.last()) return absl::OkStatus();
  if (Sha256Hex(bytes_) != blob.sha256()) {
    return absl::DataLossError(
        fmt::format("event {}: the picture does not match its SHA-256", pending_->sequence()));
  }
  const v1::Event event = *std::exchange(pending_, std::nullopt);
  const std::string bytes = std::exchange(bytes_, {});
  return DeliverEvent(event, &bytes);
}

absl::Status EventAssembler::DeliverEvent(const v1::Event& event, const std::string* bytes) {
  RETURN_IF_ERROR(deliver_(event, bytes));
  delivered_ = event.sequence();
  if (IsTerminal(event)) terminal_ = event;
  return absl::OkStatus();
}

}  // namespace vico::client
