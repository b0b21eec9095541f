#include "server/pictures/thumbnail.h"

#include <algorithm>
#include <utility>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "common/status.h"
#include "server/pictures/jpeg.h"
#include "server/pictures/png.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {
namespace {

/// Masks are small, and a picture of a generation may be wide.
constexpr PictureLimits kStoredPictures{.min_side = 1, .max_aspect = 8192};

/// Averages the pixels that become one, so that fine patterns do not turn into coarse ones.
Pixels ScaleDown(Pixels pixels, int side) {
  const int longer = std::max(pixels.width, pixels.height);
  if (longer <= side) return pixels;
  const auto scaled = [&](int length) {
    return std::max(1, static_cast<int>((int64_t{length} * side + longer / 2) / longer));
  };
  Pixels small;
  small.width = scaled(pixels.width);
  small.height = scaled(pixels.height);
  small.bgr.resize(size_t{3} * static_cast<size_t>(small.width) *
                   static_cast<size_t>(small.height));
  const cv::Mat from(pixels.height, pixels.width, CV_8UC3, pixels.bgr.data());
  cv::Mat to(small.height, small.width, CV_8UC3, small.bgr.data());
  cv::resize(from, to, to.size(), 0, 0, cv::INTER_AREA);
  return small;
}

}  // namespace

std::string_view MediaTypeOf(ThumbnailFormat format) {
  return format == ThumbnailFormat::kPng ? "image/png" : "image/jpeg";
}

absl::StatusOr<EncodedPicture> MakeThumbnail(std::string_view picture, PictureDecoder& decoder,
                                             int side, ThumbnailFormat format) {
  ASSIGN_OR_RETURN(const ScannedPicture scanned, ScanPicture(picture, kStoredPictures));
  EncodedPicture thumbnail{.width = static_cast<int>(scanned.width),
                           .height = static_cast<int>(scanned.height)};
  if (format == ThumbnailFormat::kPng && scanned.format == PictureFormat::kPng &&
      std::max(thumbnail.width, thumbnail.height) <= side) {
    return thumbnail;
  }
  ASSIGN_OR_RETURN(Pixels decoded, decoder.Decode(scanned));
  const Pixels pixels = ScaleDown(std::move(decoded), side);
  ASSIGN_OR_RETURN(thumbnail.bytes,
                   format == ThumbnailFormat::kPng ? EncodePng(pixels) : EncodeJpeg(pixels));
  thumbnail.width = pixels.width;
  thumbnail.height = pixels.height;
  return thumbnail;
}

}  // namespace vico::server
