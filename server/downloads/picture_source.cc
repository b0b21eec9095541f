#include "server/downloads/picture_source.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "server/resources/lost_blob.h"

namespace vico::server {
namespace {

constexpr uint64_t kPictureChunk = uint64_t{256} << 10;  // bytes

}  // namespace

PictureSource::PictureSource(Stores& stores, Options options, ThumbnailMaker& thumbnails,
                             const ThumbnailRequest& request, std::function<void()> wake)
    : stores_(stores), options_(std::move(options)), result_(std::make_shared<Result>()) {
  thumbnails.Make(request, [result = result_,
                            wake = std::move(wake)](const absl::StatusOr<Thumbnail>& thumbnail) {
    {
      const MutexLock lock(result->mutex);
      result->thumbnail = thumbnail;
    }
    wake();
  });
}

absl::StatusOr<Next> PictureSource::Pull(v1::DownloadPictureResponse& item) {
  if (ended_) return Next::kEnd;
  if (has_header_) {
    RETURN_IF_ERROR(FillChunk(*item.mutable_chunk()));
    return Next::kItem;
  }
  ASSIGN_OR_RETURN(const bool ready, TakeThumbnail());
  if (!ready) return Next::kWait;
  if (bytes_.empty()) RETURN_IF_ERROR(Open());
  v1::DownloadPictureResponse::Header& header = *item.mutable_header();
  header.set_media_type(picture_.blob.media_type());
  header.set_size_bytes(picture_.blob.size_bytes());
  header.set_sha256(picture_.blob.sha256());
  header.set_width(picture_.width);
  header.set_height(picture_.height);
  has_header_ = true;
  return Next::kItem;
}

/// False while the thumbnail is not there.
absl::StatusOr<bool> PictureSource::TakeThumbnail() {
  if (result_ == nullptr) return true;
  {
    const MutexLock lock(result_->mutex);
    if (!result_->thumbnail) return false;
    if (!result_->thumbnail->ok()) {
      return NameLost(result_->thumbnail->status(), options_.what, options_.repair);
    }
    picture_ = std::move((*result_->thumbnail)->picture);
    bytes_ = std::move((*result_->thumbnail)->bytes);
  }
  result_.reset();
  return true;
}

absl::Status PictureSource::Open() {
  auto reader = stores_.blobs.Open(options_.tenant, picture_.blob.sha256());
  if (!reader.ok()) return NameLost(reader.status(), options_.what, options_.repair);
  picture_.blob.set_size_bytes((*reader)->size_bytes());
  cursor_.emplace(*std::move(reader), kPictureChunk);
  return absl::OkStatus();
}

absl::Status PictureSource::FillChunk(v1::DownloadPictureResponse::Chunk& chunk) {
  if (cursor_) {
    absl::StatusOr<BlobCursor::Chunk> read = cursor_->Next();
    if (!read.ok()) return NameLost(read.status(), options_.what, options_.repair);
    chunk.set_offset(read->offset);
    chunk.set_data(std::move(read->data));
    ended_ = read->last;
  } else {
    chunk.set_offset(offset_);
    chunk.set_data(bytes_.substr(offset_, kPictureChunk));
    offset_ += chunk.data().size();
    ended_ = offset_ >= bytes_.size();
  }
  chunk.set_last(ended_);
  return absl::OkStatus();
}

}  // namespace vico::server
