// Interface of the store of pictures' rows: the pictures in a job's events, found by name, those
// that a job starts from, and the thumbnails of stored pictures.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/jobs/job_pictures.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// A stored picture.
struct PictureBlob {
  v1::BlobRef blob{};
  int width = 0;   ///< pixels; 0: not known
  int height = 0;  ///< pixels; 0: not known
};

/// Which thumbnail: of which blob, and how.
struct ThumbnailKey {
  std::string source_sha256;
  int side = 0;            ///< longest side in pixels
  std::string media_type;  ///< "image/png" or "image/jpeg"
};

/// Any thread. Errors as the stores'.
class PictureStore {
 public:
  virtual ~PictureStore() = default;

  /// The picture of a job's newest event of this name: "samples/{step}/{index}",
  /// "masks/{step}/{index}" or "previews/{index}". kNotFound, reason JOB_NOT_FOUND or
  /// PICTURE_NOT_FOUND.
  virtual absl::StatusOr<PictureBlob> FindInEvents(std::string_view tenant, std::string_view job,
                                                   std::string_view picture) = 0;

  /// The pictures that the job keeps, whatever became of those that its spec names. The size of one
  /// whose blob is lost is 0. kNotFound, reason JOB_NOT_FOUND.
  virtual absl::StatusOr<JobPictures> FindInputs(std::string_view tenant, std::string_view job) = 0;

  /// The thumbnail, if it is stored and its blob is there.
  virtual absl::StatusOr<std::optional<PictureBlob>> FindThumbnail(std::string_view tenant,
                                                                   const ThumbnailKey& key) = 0;

  /// Stores the row of a thumbnail, whose blob must be stored. It lasts as long as the blob of its
  /// source. kFailedPrecondition, reason BLOB_MISSING, when one of the two blobs is not stored.
  virtual absl::Status SaveThumbnail(std::string_view tenant, const ThumbnailKey& key,
                                     const PictureBlob& thumbnail) = 0;
};

}  // namespace vico::server
