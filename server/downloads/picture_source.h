// The stream of a picture: the header, then its bytes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/mutex.h"
#include "server/downloads/thumbnail_maker.h"
#include "server/resources/blob_source.h"
#include "server/rpc/server_stream.h"
#include "vico/v1/picture.pb.h"

namespace vico::server {

/// Sends a stored picture, or a thumbnail as soon as it is there.
class PictureSource final : public StreamSource<v1::DownloadPictureResponse> {
 public:
  struct Options {
    std::string tenant;
    std::string what;         ///< as for NameLost: the picture's name
    std::string_view repair;  ///< as for NameLost
  };

  /// A whole picture. `stores` must outlive it.
  PictureSource(Stores& stores, Options options, PictureBlob picture)
      : stores_(stores), options_(std::move(options)), picture_(std::move(picture)) {}

  /// A thumbnail. The references must outlive it.
  PictureSource(Stores& stores, Options options, ThumbnailMaker& thumbnails,
                const ThumbnailRequest& request, std::function<void()> wake);

  absl::StatusOr<Next> Pull(v1::DownloadPictureResponse& item) override;

 private:
  /// Set on another thread, which may outlive this source.
  struct Result {
    Mutex mutex;
    std::optional<absl::StatusOr<Thumbnail>> thumbnail ABSL_GUARDED_BY(mutex);
  };

  absl::StatusOr<bool> TakeThumbnail();
  absl::Status Open();
  absl::Status FillChunk(v1::DownloadPictureResponse::Chunk& chunk);

  Stores& stores_;
  const Options options_;
  std::shared_ptr<Result> result_;  // null for a whole picture, and once it is taken
  PictureBlob picture_;
  std::string bytes_;                 // of a thumbnail that was made now
  uint64_t offset_ = 0;               // in bytes_
  std::optional<BlobCursor> cursor_;  // in the blob store
  bool has_header_ = false;
  bool ended_ = false;
};

}  // namespace vico::server
