// Sends a stored blob in messages of at most one chunk each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/status.h"
#include "server/blobs/blob_store.h"
#include "server/resources/lost_blob.h"
#include "server/rpc/server_stream.h"

namespace vico::server {

/// Reads one blob from start to end. One thread at a time.
class BlobCursor {
 public:
  BlobCursor(std::unique_ptr<BlobReader> reader, uint64_t chunk_bytes)
      : reader_(std::move(reader)), chunk_bytes_(chunk_bytes) {}

  struct Chunk {
    uint64_t offset = 0;
    std::string data;
    bool last = false;
  };

  /// Do not call it after the last chunk. An empty blob has one empty chunk. kDataLoss for a blob
  /// that is shorter than announced.
  absl::StatusOr<Chunk> Next() {
    Chunk chunk;
    chunk.offset = offset_;
    ASSIGN_OR_RETURN(chunk.data, reader_->Read(offset_, chunk_bytes_));
    offset_ += chunk.data.size();
    chunk.last = offset_ >= reader_->size_bytes();
    if (chunk.data.empty() && !chunk.last) return absl::DataLossError("a stored blob is truncated");
    return chunk;
  }

 private:
  std::unique_ptr<BlobReader> reader_;
  uint64_t chunk_bytes_;
  uint64_t offset_ = 0;
};

/// A stream of one blob.
template <class Response>
class BlobSource final : public StreamSource<Response> {
 public:
  using Fill = std::function<void(BlobCursor::Chunk chunk, Response& response)>;

  /// `what` and `repair` are for the error of a damaged blob, as for NameLost.
  BlobSource(BlobCursor cursor, Fill fill, std::string what, std::string_view repair)
      : cursor_(std::move(cursor)),
        fill_(std::move(fill)),
        what_(std::move(what)),
        repair_(repair) {}

  absl::StatusOr<Next> Pull(Response& item) override {
    if (ended_) return Next::kEnd;
    absl::StatusOr<BlobCursor::Chunk> chunk = cursor_.Next();
    if (!chunk.ok()) return NameLost(chunk.status(), what_, repair_);
    ended_ = chunk->last;
    fill_(*std::move(chunk), item);
    return Next::kItem;
  }

 private:
  BlobCursor cursor_;
  const Fill fill_;
  const std::string what_;
  const std::string_view repair_;
  bool ended_ = false;
};

}  // namespace vico::server
