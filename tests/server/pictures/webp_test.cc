// WebP: what is decoded, and what is refused by name.
#include <gmock/gmock.h>

#include "server/pictures/intake.h"
#include "tests/server/pictures/decoders.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/server/pictures/webp_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// The largest difference from the pixels that were encoded, laid over white.
double LargestDifference(const std::string& png, int width, int height, uint8_t alpha) {
  const cv::Mat got = Decoded(png);
  if (got.cols != width || got.rows != height) return 256;
  const std::vector<uint8_t> pixels = WebpPixels(width, height, alpha);
  double largest = 0;
  for (int i = 0; i < width * height; ++i) {
    for (int c = 0; c < 3; ++c) {
      const int over = (pixels[static_cast<size_t>(4 * i + c)] * alpha + 255 * (255 - alpha)) / 255;
      const int is = got.at<cv::Vec3b>(i / width, i % width)[c];
      largest = std::max(largest, std::abs(over - is) * 1.0);
    }
  }
  return largest;
}

TEST(WebpTest, EveryKindIsDecoded) {
  for (const uint8_t alpha : {255, 100}) {
    const auto lossless = Normalise(LosslessWebp(80, 64, alpha));
    ASSERT_THAT(lossless, IsOk());
    EXPECT_LE(LargestDifference(lossless->png, 80, 64, alpha), 1);
    const auto lossy = Normalise(LossyWebp(80, 64, alpha));
    ASSERT_THAT(lossy, IsOk());
    EXPECT_LE(LargestDifference(lossy->png, 80, 64, alpha), 24);
    EXPECT_THAT(lossy->warnings, IsEmpty());
  }
}

TEST(WebpTest, TheProcessGivesTheSamePng) {
  const auto process = DecoderProcess::Start(TestDecoder(), Log::Off());
  ASSERT_THAT(process, IsOk());
  const std::string header = ExtendedHeader(80, 64, 32);
  for (const std::string& file :
       {LosslessWebp(80, 64, 100), LossyWebp(80, 64, 100),
        WebpFile(header + WebpChunk("ICCP", P3Profile()) + LossyWebp(80, 64).substr(12))}) {
    const auto there = NormalisePicture(file, **process);
    ASSERT_THAT(there, IsOk());
    EXPECT_EQ(there->png, Normalise(file)->png);
    EXPECT_THAT(there->warnings, IsEmpty());
  }
}

TEST(WebpTest, MetadataTurnsThePictureAndIsDropped) {
  const std::string pixels = LosslessWebp(80, 64).substr(12);
  const std::string file =
      WebpFile(ExtendedHeader(80, 64, 12) + pixels + WebpChunk("EXIF", OrientationTiff(6, true)) +
               WebpChunk("XMP ", "where I live"));
  const auto scanned = ScanPicture(file, {});
  ASSERT_THAT(scanned, IsOk());
  EXPECT_EQ(scanned->orientation, 6);
  EXPECT_THAT(scanned->stripped, testing::Not(HasSubstr("where I live")));
  EXPECT_EQ(Normalise(file)->width, 64);
}

TEST(WebpTest, OfAnAnimationTheFirstPictureIsUsed) {
  // AnimatedWebp() has pictures of 40 x 24 pixels, less than the service takes.
  const PictureLimits limits{.min_side = 8};
  DirectDecoder decoder;
  const std::string pixels = LosslessWebp(40, 24).substr(12);
  const auto whole = NormalisePicture(AnimatedWebp(40, 24, pixels), decoder, limits);
  ASSERT_THAT(whole, IsOk());
  EXPECT_LE(LargestDifference(whole->png, 40, 24, 255), 0);
  ASSERT_EQ(whole->warnings.size(), 1U);
  EXPECT_EQ(whole->warnings[0].reason, "PICTURE_ANIMATED");
  EXPECT_THAT(NormalisePicture(AnimatedWebp(48, 24, pixels), decoder, limits),
              HasMessage(HasSubstr("animated WebP")));
}

TEST(WebpTest, ATruncatedFileNamesTheByte) {
  for (const std::string& whole : {LossyWebp(80, 64), LosslessWebp(80, 64), LossyWebp(80, 64, 9)}) {
    ASSERT_THAT(Normalise(whole), IsOk());
    EXPECT_THAT(Normalise(whole.substr(0, whole.size() / 2)),
                HasMessage(HasSubstr("ends at byte " + std::to_string(whole.size() / 2))));
    for (size_t size = 12; size + 2 < whole.size(); size += whole.size() / 41 + 1) {
      EXPECT_THAT(Normalise(whole.substr(0, size)), HasCode(absl::StatusCode::kInvalidArgument))
          << size;
    }
    EXPECT_EQ(Normalise(whole + "behind")->png, Normalise(whole)->png);
  }
}

TEST(WebpTest, SizesAreCheckedBeforePixelsAreUnpacked) {
  const auto says = [](uint32_t width, uint32_t height) {
    std::string data("\x2f", 1);
    data += WebpNumber((width - 1) | (height - 1) << 14, 4) + "pixels";
    return ScanPicture(WebpFile(WebpChunk("VP8L", data)), {});
  };
  EXPECT_THAT(says(5000, 5000), IsOk());
  EXPECT_THAT(says(5001, 5000), HasMessage(HasSubstr("a WebP must have at most 25000000 pixels")));
  EXPECT_THAT(says(16384, 16384), HasMessage(HasSubstr("sides must be")));
  EXPECT_THAT(says(63, 64), HasMessage(HasSubstr("sides must be")));
  const std::string pixels = LossyWebp(80, 64).substr(12);
  EXPECT_THAT(Normalise(WebpFile(ExtendedHeader(81, 64, 0) + pixels)),
              HasMessage(HasSubstr("its header says 81 x 64 pixels")));
}

}  // namespace
}  // namespace vico::server
