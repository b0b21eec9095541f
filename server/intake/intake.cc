#include "server/intake/intake.h"

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "common/status.h"

namespace vico {
namespace {

/// 8 or 16 bits, grey, BGR or BGRA -> 8-bit BGR; what is transparent shows white.
cv::Mat ToBgr8(cv::Mat image) {
  if (image.depth() == CV_16U) image.convertTo(image, CV_8U, 1.0 / 257);
  cv::Mat bgr(image.rows, image.cols, CV_8UC3);
  const int channels = image.channels();
  for (int y = 0; y < image.rows; ++y) {
    const uchar* in = image.ptr<uchar>(y);
    uchar* out = bgr.ptr<uchar>(y);
    for (int x = 0; x < image.cols; ++x, in += channels, out += 3) {
      for (int c = 0; c < 3; ++c) {
        const int value = channels == 1 ? in[0] : in[c];
        const int alpha = channels == 4 ? in[3] : 255;
        out[c] = static_cast<uchar>((value * alpha + 255 * (255 - alpha) + 127) / 255);
      }
    }
  }
  return bgr;
}

/// Turns a picture as stored into the picture as meant.
cv::Mat Upright(cv::Mat image, int orientation) {
  cv::Mat turned;
  switch (orientation) {
    case 2:
      cv::flip(image, turned, 1);
      return turned;
    case 3:
      cv::rotate(image, turned, cv::ROTATE_180);
      return turned;
    case 4:
      cv::flip(image, turned, 0);
      return turned;
    case 5:
      cv::transpose(image, turned);
      return turned;
    case 6:
      cv::rotate(image, turned, cv::ROTATE_90_CLOCKWISE);
      return turned;
    case 7:
      cv::transpose(image, turned);
      cv::rotate(turned, turned, cv::ROTATE_180);
      return turned;
    case 8:
      cv::rotate(image, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
      return turned;
    default:
      return image;
  }
}

absl::StatusOr<cv::Mat> Decode(std::string_view bytes) {
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
  cv::Mat image;
  try {
    image = cv::imdecode(buffer, cv::IMREAD_UNCHANGED);
  } catch (const cv::Exception&) {
    return absl::InvalidArgumentError("does not decode");
  }
  const bool known = (image.depth() == CV_8U || image.depth() == CV_16U) &&
                     (image.channels() == 1 || image.channels() == 3 || image.channels() == 4);
  if (image.empty() || !known) return absl::InvalidArgumentError("does not decode");
  return image;
}

}  // namespace

void DecodeOnCallersThread() { cv::setNumThreads(1); }

absl::StatusOr<TakenPicture> TakePicture(std::string_view bytes, const PictureLimits& limits) {
  ASSIGN_OR_RETURN(ScannedPicture scanned, ScanPicture(bytes, limits));
  ASSIGN_OR_RETURN(cv::Mat image, Decode(scanned.stripped));
  if (image.cols != static_cast<int>(scanned.width) ||
      image.rows != static_cast<int>(scanned.height)) {
    return absl::InvalidArgumentError("does not decode to the size its header gives");
  }
  scanned.stripped = {};
  image = Upright(ToBgr8(std::move(image)), scanned.orientation);

  std::vector<uchar> png;
  try {
    if (!cv::imencode(".png", image, png, {cv::IMWRITE_PNG_COMPRESSION, 3})) {
      return absl::InternalError("a decoded picture could not be encoded as PNG");
    }
  } catch (const cv::Exception&) {
    return absl::ResourceExhaustedError("a decoded picture could not be encoded as PNG");
  }
  TakenPicture taken;
  taken.png.assign(png.begin(), png.end());
  taken.width = image.cols;
  taken.height = image.rows;
  ASSIGN_OR_RETURN(taken.fingerprint, FingerprintOf(taken.png));
  return taken;
}

}  // namespace vico
