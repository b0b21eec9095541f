#include "server/downloads/thumbnail_maker.h"

#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "server/rpc/calls.h"

namespace vico::server {
namespace {

constexpr size_t kMostWaiting = 1000;
constexpr std::chrono::seconds kDecodeWait{20};         // for a place in the queue
constexpr uint64_t kSourceBytes = uint64_t{128} << 20;  // a stored picture is at most 75 MB

std::string NameOf(const ThumbnailRequest& request, const ThumbnailKey& key) {
  return fmt::format("{} {} {} {}", request.tenant, key.source_sha256, key.side, key.media_type);
}

}  // namespace

void ThumbnailMaker::Make(const ThumbnailRequest& request, Done done) {
  const ThumbnailKey key{request.source.blob.sha256(), request.side,
                         std::string(MediaTypeOf(request.format))};
  const std::string name = NameOf(request, key);
  if (pool_.Backlog() >= kMostWaiting) {
    return done(WithRetryAfter(
        Error(absl::StatusCode::kResourceExhausted, "the server is busy", "SERVER_BUSY"),
        absl::Seconds(1)));
  }
  {
    const MutexLock lock(mutex_);
    std::vector<Done>& waiting = waiting_[name];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;
  }
  pool_.Post(
      [this, request, name] {
        absl::StatusOr<Thumbnail> made = absl::UnknownError("");
        const absl::Status status = RunGuarded([&] {
          made = FindOrMake(request);
          return made.status();
        });
        if (!status.ok()) made = status;
        std::vector<Done> waiting;
        {
          const MutexLock lock(mutex_);
          waiting.swap(waiting_[name]);
          waiting_.erase(name);
        }
        for (const Done& tell : waiting) tell(made);
      },
      request.tenant);
}

absl::StatusOr<Thumbnail> ThumbnailMaker::FindOrMake(const ThumbnailRequest& request) {
  const ThumbnailKey key{request.source.blob.sha256(), request.side,
                         std::string(MediaTypeOf(request.format))};
  ASSIGN_OR_RETURN(std::optional<PictureBlob> stored,
                   stores_.pictures.FindThumbnail(request.tenant, key));
  if (stored) return Thumbnail{.picture = *std::move(stored)};
  return MakeNow(request, key);
}

absl::StatusOr<Thumbnail> ThumbnailMaker::MakeNow(const ThumbnailRequest& request,
                                                  const ThumbnailKey& key) {
  absl::StatusOr<EncodedPicture> encoded = absl::UnknownError("");
  {
    ASSIGN_OR_RETURN(
        const DecodeQueue::Place place,
        stores_.decoding.Enter(request.tenant, std::chrono::steady_clock::now() + kDecodeWait));
    ASSIGN_OR_RETURN(const std::string source, GetBlob(stores_.blobs, request.tenant,
                                                       request.source.blob.sha256(), kSourceBytes));
    encoded = MakeThumbnail(source, stores_.decoder, request.side, request.format);
  }
  if (absl::IsInvalidArgument(encoded.status())) {
    return Error(absl::StatusCode::kDataLoss,
                 fmt::format("the stored picture {}", ToStd(encoded.status().message())),
                 "PICTURE_UNREADABLE");
  }
  if (!encoded.ok()) return encoded.status();
  Thumbnail made;
  made.picture.width = encoded->width;
  made.picture.height = encoded->height;
  if (encoded->bytes.empty()) {
    made.picture.blob = request.source.blob;
    return made;
  }
  made.bytes = std::move(encoded->bytes);
  v1::BlobRef& blob = made.picture.blob;
  // A tenant at its quota, or a full disk, gets the thumbnail all the same. It is made again then.
  auto stored = PutBlob(stores_.blobs, request.tenant, made.bytes, key.media_type);
  if (stored.ok()) {
    blob = *std::move(stored);
    stores_.pictures.SaveThumbnail(request.tenant, key, made.picture).IgnoreError();
  } else {
    blob.set_sha256(Sha256Hex(made.bytes));
    blob.set_size_bytes(made.bytes.size());
    blob.set_media_type(key.media_type);
  }
  return made;
}

}  // namespace vico::server
