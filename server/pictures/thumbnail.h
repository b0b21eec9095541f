// Makes thumbnails of stored pictures.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "server/pictures/picture_decoder.h"

namespace vico::server {

enum class ThumbnailFormat { kPng, kJpeg };

std::string_view MediaTypeOf(ThumbnailFormat format);

struct EncodedPicture {
  std::string bytes{};  ///< empty: the picture itself has the size and format that were asked for
  int width = 0;        ///< pixels
  int height = 0;       ///< pixels
};

/// `picture` scaled down, so that its longer side has at most `side` pixels; a smaller one keeps
/// its size. 8-bit RGB. Takes any picture whose bytes a worker may have sent, so it is decoded as
/// an upload is. Errors of NormalisePicture(). Any thread; as for NormalisePicture() the caller
/// limits how many run at once.
absl::StatusOr<EncodedPicture> MakeThumbnail(std::string_view picture, PictureDecoder& decoder,
                                             int side, ThumbnailFormat format);

}  // namespace vico::server
