// Interface that decodes an uploaded picture.
#pragma once

#include <absl/status/statusor.h>

#include "server/pictures/decoder/pixels.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {

class PictureDecoder {
 public:
  virtual ~PictureDecoder() = default;

  /// The upright pixels of `picture`, in the size that its header announces, shrunk as the scan
  /// chose. kInvalidArgument that
  /// says what is wrong with the picture, to which the caller adds the picture. Other codes mean
  /// that the decoder itself failed. Any thread.
  virtual absl::StatusOr<Pixels> Decode(const ScannedPicture& picture) = 0;
};

}  // namespace vico::server
