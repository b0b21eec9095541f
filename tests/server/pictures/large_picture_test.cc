// JPEGs of phones with many pixels are scaled down while they are decoded, in the memory that the
// confined process may have.
#include <gmock/gmock.h>

#include "server/pictures/intake.h"
#include "tests/server/pictures/decoders.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/jpeg_files.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

/// Red from left to right, green from top to bottom.
JpegKind Ramp(uint32_t width, uint32_t height) {
  return {.width = width, .height = height, .sample = [=](uint32_t x, uint32_t y, int c) {
            return static_cast<uint8_t>(c == 0 ? x * 255 / width : c == 1 ? y * 255 / height : 50);
          }};
}

void ExpectRamp(const absl::StatusOr<Pixels>& pixels, int width, int height) {
  ASSERT_THAT(pixels, IsOk());
  ASSERT_EQ(pixels->width, width);
  ASSERT_EQ(pixels->height, height);
  for (const auto& [x, y] : {std::pair{1, 1}, {3, 1}, {2, 3}}) {
    const auto at = static_cast<size_t>(3 * (width * x / 4 + width * (height * y / 4)));
    EXPECT_NEAR(pixels->bgr[at + 2], 255 * x / 4, 4);
    EXPECT_NEAR(pixels->bgr[at + 1], 255 * y / 4, 4);
    EXPECT_NEAR(pixels->bgr[at], 50, 4);
  }
}

absl::StatusOr<Pixels> InAProcess(const std::string& file) {
  const auto scanned = ScanPicture(file, {});
  if (!scanned.ok()) return scanned.status();
  auto options = TestDecoder();
  options.time_limit = absl::Seconds(60);
  const auto process = DecoderProcess::Start(options, Log::Off());
  if (!process.ok()) return process.status();
  return (*process)->Decode(*scanned);
}

TEST(LargePictureTest, FortyEightMegapixelsAreHalved) {
  ExpectRamp(InAProcess(JpegFile(Ramp(8000, 6000))), 4000, 3000);
}

TEST(LargePictureTest, FortyEightProgressiveMegapixelsFitIntoTheMemory) {
  JpegKind kind = Ramp(8000, 6000);
  kind.progressive = true;
  ExpectRamp(InAProcess(JpegFile(kind)), 4000, 3000);
}

TEST(LargePictureTest, TheLeastShrinkingIsChosen) {
  struct Case {
    uint32_t width, height, shrink;
  };
  const std::string jpeg = JpegFile({.width = 64, .height = 64});
  const size_t frame = FindMarker(jpeg, 0xc0);
  const auto scanned = [&](uint32_t width, uint32_t height) {
    std::string says = jpeg;
    says.replace(frame + 5, 4, BigEndian16(height) + BigEndian16(width));
    return ScanPicture(says, {});
  };
  for (const auto& [width, height, shrink] :
       {Case{5000, 5000, 1}, Case{5001, 5000, 2}, Case{8192, 3000, 1}, Case{8193, 3000, 2},
        Case{8160, 6120, 2}, Case{12000, 9000, 4}, Case{16320, 12240, 4}, Case{33000, 5000, 8}}) {
    const auto picture = scanned(width, height);
    ASSERT_THAT(picture, IsOk()) << width << " x " << height;
    EXPECT_EQ(picture->shrink, shrink) << width << " x " << height;
  }
  EXPECT_THAT(scanned(20001, 10000), HasMessage(HasSubstr("200000000 pixels")));
  EXPECT_THAT(scanned(9000, 1000), HasMessage(HasSubstr("8 times")));
}

TEST(LargePictureTest, AShrunkPictureIsTurnedAndHasItsColours) {
  // Sides that 2 does not divide.
  const PictureLimits limits{.max_side = 100};
  std::string file = WithProfile(JpegFile(Ramp(151, 131)), P3Profile(), 1);
  const std::string exif = std::string("Exif\0\0", 6) + OrientationTiff(6, true);
  const auto scanned = ScanPicture(WithSegment(file, 0xe1, exif), limits);
  ASSERT_THAT(scanned, IsOk());
  const auto pixels = DirectDecoder().Decode(*scanned);
  ASSERT_THAT(pixels, IsOk());
  EXPECT_EQ(pixels->width, 66);
  EXPECT_EQ(pixels->height, 76);
  EXPECT_EQ(pixels->notes.warnings, 0U);
}

TEST(LargePictureTest, AProgressiveJpegThatNeedsTooMuchMemoryIsNamed) {
  JpegKind kind = {.progressive = true, .subsampled = false};
  std::string jpeg = JpegFile(kind);
  jpeg.replace(FindMarker(jpeg, 0xc2) + 5, 4, BigEndian16(6000) + BigEndian16(8000));
  EXPECT_THAT(ScanPicture(jpeg, {}), HasMessage(HasSubstr("save it as baseline JPEG")));
}

}  // namespace
}  // namespace vico::server
