// What decodes whole is taken, with a warning if the file is damaged. What does not is refused, and
// the message names the damage and its place.
#include <map>

#include <gmock/gmock.h>

#include "server/pictures/intake.h"
#include "server/pictures/scan/exif.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/jpeg_files.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/server/pictures/webp_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::string DamageJpeg(JpegKind kind = {}) {
  kind.width = 128;
  kind.height = 96;
  return JpegFile(kind);
}

std::string Inserted(const std::string& file, size_t at, const std::string& bytes) {
  return file.substr(0, at) + bytes + file.substr(at);
}

std::string WithoutEnd(const std::string& jpeg) { return jpeg.substr(0, jpeg.size() - 2); }

/// The file has the pixels of `whole`, and a warning if `warned`.
void ExpectSame(const std::string& file, const std::string& whole, bool warned,
                const std::string& what) {
  const auto expected = Normalise(whole);
  const auto got = Normalise(file);
  ASSERT_THAT(expected, IsOk()) << what;
  ASSERT_THAT(got, IsOk()) << what;
  EXPECT_TRUE(got->png == expected->png) << what;
  if (!warned) {
    EXPECT_THAT(got->warnings, IsEmpty()) << what;
    return;
  }
  ASSERT_FALSE(got->warnings.empty()) << what;
  for (const PictureWarning& warning : got->warnings) {
    EXPECT_EQ(warning.reason, "PICTURE_DAMAGED") << what;
    EXPECT_THAT(warning.text, testing::AnyOf(HasSubstr("the JPEG"), HasSubstr("the PNG"))) << what;
  }
}

TEST(DamageTest, OddJpegsHaveTheirPixels) {
  const std::string good = DamageJpeg();
  // Some phones write 0 as the last coefficient of a sequential scan.
  for (const JpegKind& kind : {JpegKind{}, JpegKind{.channels = 1}, JpegKind{.interleaved = false},
                               JpegKind{.restart_rows = 1}}) {
    const std::string usual = DamageJpeg(kind);
    std::string phone = usual;
    int scans = 0;
    for (size_t at = FindMarker(phone, 0xda); at != std::string::npos;
         at = FindMarker(phone, 0xda, ++scans)) {
      const size_t length = static_cast<unsigned char>(phone[at + 3]);
      phone[at + 2 + length - 2] = '\0';
    }
    ASSERT_GT(scans, 0);
    ExpectSame(phone, usual, false, "phone");
  }
  ExpectSame(good + "behind", good, false, "bytes behind");
  ExpectSame(good + good, good, false, "a second picture behind, as phones store depth");
  ExpectSame(good + WithSegment(good, 0xe2, std::string("MPF\0", 4)), good, false, "MPO");
  ExpectSame(Inserted(good, 2, "\xff\xff\xff"), good, false, "fill bytes");
  ExpectSame(WithSegment(WithSegment(good, 0xe1, "Exif"), 0xee, "Adobe"), good, false,
             "short marks");
}

TEST(DamageTest, DamagedJpegsThatDecodeWholeHaveAWarning) {
  for (const JpegKind& kind :
       {JpegKind{}, JpegKind{.progressive = true}, JpegKind{.interleaved = false}}) {
    const std::string good = DamageJpeg(kind);
    const std::string open = WithoutEnd(good);
    ExpectSame(open, good, true, "no end marker");
    ExpectSame(open + "\xff", good, true, "half an end marker");
    ExpectSame(open + good, good, true, "another picture in place of the end marker");
    ExpectSame(open + "rubbish rubbish\xff\xd9", good, true, "stray bytes before the end");
    ExpectSame(open + "\xff\xfe\xff\xff of a comment", good, true, "ends in a comment");
    ExpectSame(Inserted(good, FindMarker(good, 0xc4), "stray"), good, true, "stray bytes in front");
  }
  const std::string good = DamageJpeg();
  ExpectSame(WithSegment(good, 0xee, std::string("Adobe\0\x64\0\0\0\0\x07", 12)), good, false,
             "an unknown colour mark beside JFIF's, which counts");
  std::string no_jfif = good;
  no_jfif.erase(2, 18);
  ExpectSame(WithSegment(no_jfif, 0xee, std::string("Adobe\0\x64\0\0\0\0\x07", 12)), good, true,
             "an unknown colour mark alone");
}

TEST(DamageTest, RestartMarkersWithWrongNumbersAreCounted) {
  const std::string good = DamageJpeg({.restart_rows = 1});
  ASSERT_NE(FindMarker(good, 0xd1), std::string::npos);
  std::string zero = good, shifted = good;
  for (size_t at = FindMarker(good, 0xda); at + 1 < good.size(); ++at) {
    const auto next = static_cast<unsigned char>(good[at + 1]);
    if (good[at] != '\xff' || next < 0xd0 || next > 0xd7) continue;
    zero[at + 1] = '\xd0';
    shifted[at + 1] = static_cast<char>(0xd0 + (next - 0xd0 + 3) % 8);
  }
  ExpectSame(zero, good, true, "all zero");
  ExpectSame(shifted, good, true, "from 3 on");
}

TEST(DamageTest, AJpegThatLacksPixelsNamesTheRow) {
  // Rows of 16 pixels hold the coded units.
  for (const int sixth : {1, 3, 5}) {
    const std::string good = DamageJpeg({.restart_rows = 1});
    const size_t cut = FindMarker(good, static_cast<uint8_t>(0xd0 + sixth - 1));
    const std::string row = "after row " + std::to_string(16 * sixth) + " of 96";
    EXPECT_THAT(Normalise(good.substr(0, cut)),
                HasMessage(AllOf(HasSubstr("the JPEG data end"), HasSubstr(row))));
  }
  // Without the third of the six intervals.
  std::string lost = DamageJpeg({.restart_rows = 1});
  const size_t from = FindMarker(lost, 0xd1), to = FindMarker(lost, 0xd2);
  lost.erase(from, to - from);
  EXPECT_THAT(Normalise(lost), HasMessage(AllOf(HasSubstr("restart marker"), HasSubstr("of 96"))));
}

TEST(DamageTest, AProgressiveJpegThatLacksScansNamesTheScan) {
  const std::string good = DamageJpeg({.progressive = true});
  const size_t sixth = FindMarker(good, 0xda, 5);
  ASSERT_NE(sixth, std::string::npos);
  EXPECT_THAT(Normalise(good.substr(0, sixth)), HasMessage(HasSubstr("end after scan 5")));
  const size_t in_fifth = FindMarker(good, 0xda, 4) + 20;
  EXPECT_THAT(Normalise(good.substr(0, in_fifth)), HasMessage(HasSubstr("in scan 5")));
  // An encoder may leave scans out; then there is an end marker.
  EXPECT_THAT(Normalise(good.substr(0, sixth) + "\xff\xd9"), IsOk());
  const std::string separate = DamageJpeg({.interleaved = false});
  EXPECT_THAT(Normalise(separate.substr(0, FindMarker(separate, 0xda, 2))),
              HasMessage(HasSubstr("no data for channel 3 of 3")));
}

TEST(DamageTest, AFileThatEndsInZerosIsAnUnfinishedCopy) {
  const std::string jpeg = DamageJpeg();
  const std::string zeros(5000, '\0');
  EXPECT_THAT(Normalise(jpeg.substr(0, jpeg.size() / 2) + zeros),
              HasMessage(HasSubstr("from byte " + std::to_string(jpeg.size() / 2))));
  ExpectSame(jpeg + zeros, jpeg, false, "zeros behind");
  const std::string webp = LosslessWebp(400, 300);
  std::string unfinished = WebpFile(WebpChunk("VP8 ", LossyWebp(400, 300).substr(20) + zeros));
  EXPECT_THAT(Normalise(unfinished), HasMessage(HasSubstr("only zeros")));
  EXPECT_THAT(Normalise(webp), IsOk());
}

TEST(DamageTest, AJpegWithoutAHeightIsNamed) {
  std::string jpeg = DamageJpeg();
  jpeg.replace(FindMarker(jpeg, 0xc0) + 5, 2, std::string(2, '\0'));
  EXPECT_THAT(Normalise(jpeg), HasMessage(HasSubstr("gives no height")));
}

TEST(DamageTest, AJpegThatEndsBeforeItsPixelsNamesTheByte) {
  const std::string good = DamageJpeg();
  EXPECT_THAT(Normalise(good.substr(0, 100)), HasMessage(HasSubstr("byte")));
  EXPECT_THAT(Normalise(good.substr(0, 300)), HasMessage(HasSubstr("the file of 300 bytes ends")));
}

TEST(DamageTest, DamagedPngsThatDecodeWholeHaveAWarning) {
  const std::string good = Encoded(TestPicture(100, 70), ".png");
  for (const char* type : {"tEXt", "gAMA", "tIME", "zTXt", "prVt"}) {
    std::string damaged = WithChunk(good, type, "abcd");
    damaged[33 + 9] = 'x';
    ExpectSame(damaged, good, true, type);
  }
  ExpectSame(good.substr(0, good.size() - 12), good, true, "no end chunk");
  ExpectSame(good.substr(0, good.size() - 1), good, true, "half an end chunk");
  ExpectSame(good.substr(0, good.size() - 14), good, true, "half a checksum");
  ExpectSame(good + "behind", good, false, "bytes behind");
  // More rows than the header announces.
  const std::vector<std::string> rows(80, std::string(64, 'a'));
  const std::vector<std::string> fewer(64, rows[0]);
  std::string more = HandMadePng(64, 8, 0, rows);
  more.replace(
      8, 25, PngChunk("IHDR", BigEndian32(64) + BigEndian32(64) + std::string("\x08\0\0\0\0", 5)));
  ExpectSame(more, HandMadePng(64, 8, 0, fewer), true, "more rows");
}

TEST(DamageTest, APngWithThousandsOfDamagedChunksHasAFewWarnings) {
  std::string chunk = PngChunk("tEXt", "abcd");
  chunk.back() = static_cast<char>(chunk.back() ^ 1);
  std::string chunks;
  for (int i = 0; i < 5'000; ++i) chunks += chunk;
  const auto normalised =
      Normalise(HandMadePng(64, 8, 0, std::vector<std::string>(64, std::string(64, 'a')), chunks));
  ASSERT_THAT(normalised, IsOk());
  EXPECT_EQ(normalised->warnings.size(), 4U);
}

TEST(DamageTest, APngThatLacksPixelsNamesTheRowOrTheChunk) {
  const std::string good = Encoded(TestPicture(100, 70), ".png");
  EXPECT_THAT(Normalise(good.substr(0, good.size() / 2)),
              HasMessage(AllOf(HasSubstr("after row "), HasSubstr(" of 70"))));
  std::string damaged = good;
  damaged[good.size() / 2] = static_cast<char>(damaged[good.size() / 2] ^ 1);
  EXPECT_THAT(Normalise(damaged), HasMessage(HasSubstr("checksum of its chunk IDAT at byte ")));
  EXPECT_THAT(Normalise(good.substr(0, 30)), HasMessage(HasSubstr("ends at byte 30")));
}

TEST(DamageTest, AStillPictureInAnAnimationIsUsed) {
  const std::string good = Encoded(TestPicture(100, 70), ".png");
  ExpectSame(WithChunk(good, "acTL", BigEndian32(1) + BigEndian32(0)), good, false, "one picture");
  const auto many = Normalise(WithChunk(good, "acTL", BigEndian32(9) + BigEndian32(0)));
  ASSERT_THAT(many, IsOk());
  EXPECT_TRUE(many->png == Normalise(good)->png);
  ASSERT_EQ(many->warnings.size(), 1U);
  EXPECT_EQ(many->warnings[0].reason, "PICTURE_ANIMATED");
  EXPECT_THAT(many->warnings[0].text, HasSubstr("9 pictures"));
}

TEST(DamageTest, TheFirstValidOrientationCounts) {
  const std::string turned = OrientationTiff(6, true);
  const std::string exif = std::string("Exif\0\0", 6);
  const std::string jpeg = DamageJpeg(), png = Encoded(TestPicture(100, 70), ".png");
  const auto orientation = [](const std::string& file) {
    const auto scanned = ScanPicture(file, {});
    EXPECT_THAT(scanned, IsOk());
    return scanned.ok() ? scanned->orientation : 0;
  };
  // WithSegment() and WithChunk() insert in front.
  const std::string turned_jpeg = WithSegment(jpeg, 0xe1, exif + turned);
  for (const std::string& other :
       {exif + OrientationTiff(9, false), AdobeRgbExif(true), exif, exif + "rubbish",
        std::string("http://ns.adobe.com/xap/1.0/\0", 29)}) {
    EXPECT_EQ(orientation(WithSegment(turned_jpeg, 0xe1, other)), 6);
    EXPECT_EQ(orientation(WithSegment(WithSegment(jpeg, 0xe1, other), 0xe1, exif + turned)), 6);
  }
  EXPECT_EQ(orientation(WithSegment(turned_jpeg, 0xe1, exif + OrientationTiff(3, true))), 3);
  const std::string turned_png = WithChunk(png, "eXIf", turned);
  EXPECT_EQ(orientation(turned_png), 6);
  EXPECT_EQ(orientation(WithChunk(turned_png, "eXIf", "rubbish")), 6);
  EXPECT_EQ(orientation(WithChunk(png, "eXIf", exif + turned)), 6);  // some programs add the name
}

/// 64 rows whose left half has the samples `clear` and whose right half has `other`.
std::string Halves(int depth, int type, const std::string& clear, const std::string& other,
                   const std::string& transparent, const std::string& palette = "") {
  std::string row;
  for (int x = 0; x < 32; ++x) row += clear;
  for (int x = 0; x < 32; ++x) row += other;
  return HandMadePng(64, depth, type, std::vector<std::string>(64, row),
                     palette + PngChunk("tRNS", transparent));
}

TEST(DamageTest, TransparentColoursBecomeWhiteInEveryKindOfPng) {
  const auto ends = [](const std::string& png) {
    const auto normalised = Normalise(png);
    EXPECT_THAT(normalised, IsOk());
    if (!normalised.ok()) return std::pair<cv::Vec3b, cv::Vec3b>{};
    const cv::Mat pixels = Decoded(normalised->png);
    return std::pair{pixels.at<cv::Vec3b>(10, 10), pixels.at<cv::Vec3b>(10, 50)};
  };
  const cv::Vec3b white(255, 255, 255), grey(85, 85, 85), black(0, 0, 0);
  EXPECT_EQ(ends(Halves(8, 0, std::string(1, '\0'), "\x55", std::string(2, '\0'))),
            (std::pair{white, grey}));
  EXPECT_EQ(ends(Halves(16, 0, std::string("\x12\x34"), "\x55\x55", "\x12\x34")),
            (std::pair{white, grey}));
  // All 16 bits count.
  EXPECT_EQ(ends(Halves(16, 0, "\x55\x55", "\x55\x56", "\x55\x55")), (std::pair{white, grey}));
  EXPECT_EQ(ends(Halves(8, 2, std::string(3, '\0'), "\x55\x55\x55", std::string(6, '\0'))),
            (std::pair{white, grey}));
  EXPECT_EQ(
      ends(Halves(16, 2, std::string(6, '\x01'), std::string(6, '\x55'), std::string(6, '\x01'))),
      (std::pair{white, grey}));
  const std::string palette = PngChunk("PLTE", std::string(3, '\0') + std::string(3, '\x55'));
  EXPECT_EQ(ends(Halves(8, 3, std::string(1, '\0'), "\1", std::string(1, '\0'), palette)),
            (std::pair{white, grey}));
  EXPECT_EQ(ends(Halves(8, 3, std::string(1, '\0'), "\1", "\x80", palette)),
            (std::pair{cv::Vec3b(127, 127, 127), grey}));
  // Eight pixels of one bit in a byte: 64 of them in each half.
  std::string bits;
  for (int x = 0; x < 8; ++x) bits += x < 4 ? '\xff' : '\0';
  EXPECT_EQ(ends(HandMadePng(64, 1, 0, std::vector<std::string>(64, bits),
                             PngChunk("tRNS", std::string("\0\1", 2)))),
            (std::pair{white, black}));
}

}  // namespace
}  // namespace vico::server
