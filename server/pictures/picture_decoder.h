// Who turns an uploaded picture's bytes into pixels.
#pragma once

#include <absl/status/statusor.h>

#include "server/pictures/decoder/pixels.h"
#include "server/pictures/picture_scan.h"

namespace vico::server {

class PictureDecoder {
 public:
  virtual ~PictureDecoder() = default;

  /// The upright pixels of `picture`, of the size that it says. kInvalidArgument that says what is
  /// wrong with the picture; the caller adds which one it was. Other codes are the decoder's own
  /// trouble. Any thread.
  virtual absl::StatusOr<Pixels> Decode(const ScannedPicture& picture) = 0;
};

}  // namespace vico::server
