#include "server/pictures/intake.h"

#include <cmath>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <opencv2/imgproc.hpp>

#include "common/status.h"
#include "server/pictures/scan/exif.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr auto kBad = absl::StatusCode::kInvalidArgument;

/// Mean absolute difference of two pictures of one size, 0..255.
double Difference(const cv::Mat& a, const cv::Mat& b) {
  EXPECT_EQ(a.size(), b.size());
  EXPECT_EQ(a.type(), b.type());
  if (a.size() != b.size() || a.type() != b.type()) return 255;
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * a.elemSize1() * 3);
}

/// The pixels of the normalised picture; empty when it was refused.
cv::Mat NormalisedPixels(const std::string& bytes) {
  const auto normalised = Normalise(bytes);
  EXPECT_THAT(normalised, IsOk());
  if (!normalised.ok()) return {};
  cv::Mat pixels = Decoded(normalised->png);
  EXPECT_EQ(pixels.type(), CV_8UC3);
  EXPECT_EQ(pixels.cols, normalised->width);
  EXPECT_EQ(pixels.rows, normalised->height);
  return pixels;
}

cv::Vec3b Pixel(const cv::Mat& picture, int x, int y) { return picture.at<cv::Vec3b>(y, x); }

TEST(IntakeTest, APngKeepsItsPixels) {
  const cv::Mat picture = TestPicture(100, 70);
  EXPECT_EQ(Difference(NormalisedPixels(Encoded(picture, ".png")), picture), 0);
}

TEST(IntakeTest, AJpegKeepsItsLooks) {
  const cv::Mat picture = TestPicture(100, 70);
  EXPECT_LT(Difference(NormalisedPixels(Encoded(picture, ".jpg")), picture), 4);
}

TEST(IntakeTest, TheSamePictureBecomesTheSameBytes) {
  const std::string jpeg = Encoded(TestPicture(80, 80), ".jpg");
  EXPECT_EQ(Normalise(jpeg)->png, Normalise(jpeg)->png);
}

TEST(IntakeTest, OnlyPixelsRemain) {
  const std::string png = Encoded(TestPicture(80, 80), ".png");
  const std::string secret = "Comment";
  const auto normalised =
      Normalise(WithChunk(png, "tEXt", secret + std::string("\0where I live", 13)));
  ASSERT_THAT(normalised, IsOk());
  EXPECT_THAT(normalised->png, testing::Not(HasSubstr("where I live")));
  const std::string jpeg = Encoded(TestPicture(80, 80), ".jpg");
  const auto scanned = ScanPicture(WithSegment(jpeg, 0xfe, "where I live"), {});
  ASSERT_THAT(scanned, IsOk());
  EXPECT_EQ(scanned->stripped, jpeg);
}

TEST(IntakeTest, SixteenBitsBecomeEight) {
  const cv::Mat picture = TestPicture(90, 70);
  cv::Mat deep;
  picture.convertTo(deep, CV_16U, 257);
  EXPECT_EQ(Difference(NormalisedPixels(Encoded(deep, ".png")), picture), 0);
}

TEST(IntakeTest, GreyBecomesRgb) {
  cv::Mat grey, expected;
  cv::cvtColor(TestPicture(90, 70), grey, cv::COLOR_BGR2GRAY);
  cv::cvtColor(grey, expected, cv::COLOR_GRAY2BGR);
  EXPECT_EQ(Difference(NormalisedPixels(Encoded(grey, ".png")), expected), 0);
  EXPECT_LT(Difference(NormalisedPixels(Encoded(grey, ".jpg")), expected), 4);
}

TEST(IntakeTest, AlphaIsLaidOverWhite) {
  cv::Mat picture(64, 64, CV_8UC4, cv::Scalar(10, 20, 30, 255));
  picture(cv::Rect(0, 0, 32, 64)).setTo(cv::Scalar(10, 20, 30, 0));
  picture(cv::Rect(0, 0, 32, 32)).setTo(cv::Scalar(0, 0, 0, 51));
  const cv::Mat normalised = NormalisedPixels(Encoded(picture, ".png"));
  EXPECT_EQ(Pixel(normalised, 50, 50), cv::Vec3b(10, 20, 30));
  EXPECT_EQ(Pixel(normalised, 10, 50), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(Pixel(normalised, 10, 10), cv::Vec3b(204, 204, 204));  // 80 % of white
}

TEST(IntakeTest, PalettesAndSmallDepthsAreUnpacked) {
  // Two colours, the second transparent, one bit each: the left half of each row is the first.
  const std::string palette = PngChunk("PLTE", std::string("\x0a\x14\x1e\xff\0\0", 6)) +
                              PngChunk("tRNS", std::string("\xff\0", 2));
  const std::string row("\0\0\0\0\xff\xff\xff\xff", 8);
  const cv::Mat normalised =
      NormalisedPixels(HandMadePng(64, 1, 3, std::vector<std::string>(64, row), palette));
  EXPECT_EQ(Pixel(normalised, 10, 10), cv::Vec3b(30, 20, 10));
  EXPECT_EQ(Pixel(normalised, 50, 10), cv::Vec3b(255, 255, 255));
}

TEST(IntakeTest, GreyWithAlphaIsUnpacked) {
  std::string row;
  for (int x = 0; x < 64; ++x) row += std::string("\x28\xff", 2);
  const cv::Mat normalised =
      NormalisedPixels(HandMadePng(64, 8, 4, std::vector<std::string>(64, row)));
  EXPECT_EQ(Pixel(normalised, 10, 10), cv::Vec3b(40, 40, 40));
}

// Made with Pillow 13: red (220, 40, 30) beside blue (20, 60, 200), convert("CMYK"), quality 90.
std::string CmykJpeg() {
  std::ifstream file("tests/server/data/cmyk.jpg", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(IntakeTest, CmykBecomesRgb) {
  const cv::Mat normalised = NormalisedPixels(CmykJpeg());
  EXPECT_LT(cv::norm(Pixel(normalised, 10, 30), cv::Vec3b(30, 40, 220), cv::NORM_INF), 8);
  EXPECT_LT(cv::norm(Pixel(normalised, 50, 30), cv::Vec3b(200, 60, 20), cv::NORM_INF), 8);
}

TEST(IntakeTest, FourChannelsOfUnknownColoursAreRefused) {
  std::string jpeg = CmykJpeg();
  const size_t adobe = jpeg.find("\xff\xee");
  ASSERT_NE(adobe, std::string::npos);
  jpeg.erase(adobe, 2 + 14);
  EXPECT_THAT(Normalise(jpeg), HasMessage(HasSubstr("save it as RGB")));
}

/// The stored pixels of a file with `orientation` that shows `upright`.
cv::Mat Stored(const cv::Mat& upright, int orientation) {
  cv::Mat turned = upright.clone();
  if (orientation == 2) cv::flip(upright, turned, 1);
  if (orientation == 3) cv::rotate(upright, turned, cv::ROTATE_180);
  if (orientation == 4) cv::flip(upright, turned, 0);
  if (orientation == 5) cv::transpose(upright, turned);
  if (orientation == 6) cv::rotate(upright, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
  if (orientation == 7) {
    cv::rotate(upright, turned, cv::ROTATE_180);
    cv::transpose(turned, turned);
  }
  if (orientation == 8) cv::rotate(upright, turned, cv::ROTATE_90_CLOCKWISE);
  return turned;
}

class OrientationTest : public testing::TestWithParam<int> {};

TEST_P(OrientationTest, IsUndone) {
  const cv::Mat upright = TestPicture(120, 80);
  const cv::Mat stored = Stored(upright, GetParam());
  const std::string exif = std::string("Exif\0\0", 6) + OrientationTiff(GetParam(), true);
  EXPECT_LT(Difference(NormalisedPixels(WithSegment(Encoded(stored, ".jpg"), 0xe1, exif)), upright),
            4);
  const std::string tiff = OrientationTiff(GetParam(), false);
  EXPECT_EQ(Difference(NormalisedPixels(WithChunk(Encoded(stored, ".png"), "eXIf", tiff)), upright),
            0);
}

INSTANTIATE_TEST_SUITE_P(Exif, OrientationTest, testing::Range(1, 9));

TEST(IntakeTest, ABrokenOrientationIsNone) {
  const std::string whole = OrientationTiff(6, true);
  EXPECT_EQ(ReadExif(whole).orientation, 6);
  for (size_t size = 0; size < 20; ++size) {
    EXPECT_EQ(ReadExif(whole.substr(0, size)).orientation, 0);
  }
  EXPECT_EQ(ReadExif(OrientationTiff(9, true)).orientation, 0);
  std::string far = whole;
  far[4] = far[5] = far[6] = far[7] = '\xff';  // the directory lies beyond the end
  EXPECT_EQ(ReadExif(far).orientation, 0);
}

TEST(IntakeTest, AFileThatIsNotAPictureIsRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("x"), std::string("GIF89a......"),
        std::string("<svg xmlns='http://www.w3.org/2000/svg'/>"),
        std::string("\x89PNG\r\n\x1a\n", 8), std::string("\xff\xd8\xff", 3),
        Encoded(TestPicture(64, 64), ".bmp")}) {
    EXPECT_THAT(Normalise(bytes), HasCode(kBad)) << bytes.size();
  }
  EXPECT_THAT(Normalise(""), HasMessage("is empty"));
}

TEST(IntakeTest, AFileOfAnotherTypeIsNamed) {
  const std::pair<std::string, const char*> files[] = {
      {Encoded(TestPicture(64, 64), ".bmp"), "is a BMP picture"},
      {Encoded(TestPicture(64, 64), ".tiff"), "is a TIFF picture"},
      {"GIF89a......", "is a GIF picture"},
      {"<!DOCTYPE html>", "is a web page (HTML)"},
      {"version https://git-lfs.github.com/spec/v1", "git lfs pull"},
      {"\x01\x02\x03", "is of an unknown type (it begins with 01 02 03)"}};
  for (const auto& [bytes, name] : files) {
    EXPECT_THAT(Normalise(bytes), HasMessage(HasSubstr(name)));
    EXPECT_THAT(Normalise(bytes),
                HasMessage(HasSubstr("accepted are JPEG, PNG, WebP, HEIC and AVIF")));
  }
}

/// Refused, or the pixels of `whole` with a warning.
void ExpectRefusedOrWhole(const std::string& bytes, const std::string& whole, size_t at) {
  const auto normalised = Normalise(bytes);
  if (!normalised.ok()) {
    EXPECT_THAT(normalised, HasCode(kBad)) << at;
    return;
  }
  EXPECT_EQ(normalised->png, Normalise(whole)->png) << at;
  EXPECT_FALSE(normalised->warnings.empty()) << at;
}

TEST(IntakeTest, AFileTruncatedAnywhereIsRefusedUnlessItIsWhole) {
  for (const char* extension : {".png", ".jpg"}) {
    const std::string whole = Encoded(TestPicture(64, 64), extension);
    ASSERT_THAT(Normalise(whole), IsOk());
    const size_t step = whole.size() / 97 + 1;
    for (size_t size = 0; size < whole.size(); size += step) {
      ExpectRefusedOrWhole(whole.substr(0, size), whole, size);
      if (size < whole.size() - 64) {
        EXPECT_THAT(Normalise(whole.substr(0, size)), HasCode(kBad));
      }
    }
    ExpectRefusedOrWhole(whole.substr(0, whole.size() - 1), whole, whole.size() - 1);
  }
}

TEST(IntakeTest, ADamagedPngIsRefusedUnlessItIsWhole) {
  const std::string whole = Encoded(TestPicture(64, 64), ".png");
  for (size_t at = 8; at < whole.size(); at += whole.size() / 53 + 1) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    ExpectRefusedOrWhole(damaged, whole, at);
  }
}

TEST(IntakeTest, PixelsThatDoNotUnpackAreRefused) {
  EXPECT_THAT(Normalise(PngThatSays(64, 64)),
              HasMessage(HasSubstr("the PNG data are damaged after row 0 of 64")));
  // Half of the rows that the header announces.
  std::string png = HandMadePng(64, 8, 0, std::vector<std::string>(64, std::string(64, 'a')));
  const std::string taller = BigEndian32(64) + BigEndian32(128) + std::string("\x08\0\0\0\0", 5);
  png.replace(8, 25, PngChunk("IHDR", taller));
  EXPECT_THAT(Normalise(png), HasCode(kBad));
}

TEST(IntakeTest, SizesAreCheckedBeforePixelsAreUnpacked) {
  struct Case {
    uint32_t width, height;
    const char* complaint;  // nullptr: the header is fine
  };
  for (const auto& [width, height, complaint] :
       {Case{50'000, 50'000, "sides must be"}, Case{4'294'967'295, 4'294'967'295, "sides must be"},
        Case{0, 64, "sides must be"}, Case{63, 64, "sides must be"}, Case{64, 64, nullptr},
        Case{8193, 2000, "sides must be"}, Case{8192, 2000, nullptr}, Case{5000, 5000, nullptr},
        Case{5001, 5000, "25000000 pixels"}, Case{512, 64, nullptr}, Case{513, 64, "8 times"}}) {
    const auto scanned = ScanPicture(PngThatSays(width, height), {});
    if (complaint) {
      EXPECT_THAT(scanned, HasMessage(HasSubstr(complaint))) << width << " x " << height;
    } else {
      EXPECT_THAT(scanned, IsOk()) << width << " x " << height;
    }
  }
}

TEST(IntakeTest, TheMemoryThatPixelsNeedIsLimited) {
  // 16 bits of 4 channels: 8 bytes a pixel.
  EXPECT_THAT(ScanPicture(PngThatSays(3600, 3600, 16, 6), {}), IsOk());
  EXPECT_THAT(ScanPicture(PngThatSays(3700, 3700, 16, 6), {}), HasMessage(HasSubstr("decodes to")));
}

TEST(IntakeTest, ApplesFormOfPngIsNamed) {
  const std::string png = Encoded(TestPicture(64, 64), ".png");
  EXPECT_THAT(Normalise(png.substr(0, 8) + PngChunk("CgBI", "abcd") + png.substr(8)),
              HasMessage(HasSubstr("CgBI")));
}

TEST(IntakeTest, ImpossiblePngHeadersAreRefused) {
  for (const auto& [depth, type] :
       {std::pair{3, 0}, {1, 2}, {16, 3}, {4, 4}, {2, 6}, {8, 1}, {8, 7}}) {
    EXPECT_THAT(ScanPicture(PngThatSays(64, 64, depth, type), {}), HasCode(kBad))
        << depth << " " << type;
  }
}

TEST(IntakeTest, BytesAfterThePictureAreDropped) {
  for (const char* extension : {".png", ".jpg"}) {
    const std::string whole = Encoded(TestPicture(64, 64), extension);
    const auto scanned = ScanPicture(whole + "PK\x03\x04", {});
    ASSERT_THAT(scanned, IsOk());
    EXPECT_EQ(scanned->stripped, whole) << extension;
  }
}

TEST(IntakeTest, AJpegHeaderWithAHugeSizeIsRefused) {
  std::string jpeg = Encoded(TestPicture(64, 64), ".jpg");
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  for (size_t i = 5; i < 9; ++i) jpeg[frame + i] = '\xff';  // 65,535 x 65,535
  EXPECT_THAT(Normalise(jpeg), HasMessage(HasSubstr("65535 x 65535")));
}

TEST(IntakeTest, TooManyJpegScansAreRefused) {
  const std::string jpeg = Encoded(TestPicture(64, 64), ".jpg");
  const size_t scan = jpeg.find("\xff\xda");
  ASSERT_NE(scan, std::string::npos);
  const std::string one(jpeg.substr(scan, jpeg.size() - 2 - scan));
  std::string many = jpeg.substr(0, scan);
  for (int i = 0; i < 64; ++i) many += one;
  EXPECT_THAT(ScanPicture(many + "\xff\xd9", {}), IsOk());
  EXPECT_THAT(ScanPicture(many + one + "\xff\xd9", {}), HasMessage(HasSubstr("64 JPEG scans")));
}

TEST(IntakeTest, JpegsOfOtherKindsAreRefused) {
  for (const char marker : {'\xc3', '\xc9', '\xcc'}) {  // lossless; arithmetic; its conditioning
    std::string jpeg = Encoded(TestPicture(64, 64), ".jpg");
    jpeg[jpeg.find("\xff\xc0") + 1] = marker;
    EXPECT_THAT(Normalise(jpeg), HasMessage(HasSubstr("is not accepted"))) << int{marker};
  }
}

TEST(IntakeTest, AJpegWithoutQuantisationIsRefused) {
  std::string jpeg = Encoded(TestPicture(64, 64), ".jpg");
  for (size_t table = jpeg.find("\xff\xdb"); table != std::string::npos;
       table = jpeg.find("\xff\xdb", table)) {
    const size_t length = static_cast<unsigned char>(jpeg[table + 2]) * 256 +
                          static_cast<unsigned char>(jpeg[table + 3]);
    jpeg.erase(table, length + 2);
  }
  EXPECT_THAT(Normalise(jpeg), HasCode(kBad));
}

TEST(DuplicatesTest, AreFoundWhateverTheFile) {
  const cv::Mat picture = TestPicture(300, 200);
  cv::Mat smaller;
  cv::resize(picture, smaller, {150, 100}, 0, 0, cv::INTER_AREA);
  std::vector<Fingerprint> fingerprints;
  for (const std::string& file :
       {Encoded(picture, ".png"), Encoded(TestPicture(300, 200, 1), ".png"),
        Encoded(picture, ".jpg"), Encoded(TestPicture(300, 200, 2), ".png"),
        Encoded(smaller, ".png")}) {
    const auto normalised = Normalise(file);
    ASSERT_THAT(normalised, IsOk());
    fingerprints.push_back(normalised->fingerprint);
  }
  EXPECT_THAT(Duplicates(fingerprints), ElementsAre(Pair(0, 2), Pair(0, 4), Pair(2, 4)));
}

TEST(DuplicatesTest, TheExampleConceptsPicturesAllDiffer) {
  for (const std::string folder : {"examples/mug/", "examples/robot/"}) {
    std::vector<Fingerprint> fingerprints;
    for (const char* name : {"beach", "brick", "grass", "snow", "table"}) {
      std::ifstream file(folder + name + ".png", std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>()};
      const auto normalised = Normalise(bytes);
      ASSERT_THAT(normalised, IsOk()) << folder << name;
      fingerprints.push_back(normalised->fingerprint);
    }
    EXPECT_THAT(Duplicates(fingerprints), ElementsAre()) << folder;
  }
}

TEST(PictureErrorTest, NamesThePictureAndSaysWhetherToTryAgain) {
  EXPECT_THAT(PictureError("pictures[3]", absl::InvalidArgumentError("is empty")),
              NamesField("pictures[3]"));
  const absl::Status memory = PictureError("pictures[3]", absl::ResourceExhaustedError("memory"));
  EXPECT_THAT(memory, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(memory, HasReason("DECODER_FAILED"));
  EXPECT_THAT(memory, HasMessage(testing::StartsWith("pictures[3]: ")));
  EXPECT_GT(RetryAfter(memory), absl::ZeroDuration());
  const absl::Status killed = PictureError(
      "pictures[3]", Error(absl::StatusCode::kResourceExhausted, "killed", "DECODER_KILLED"));
  EXPECT_THAT(killed, HasReason("DECODER_KILLED"));
  EXPECT_EQ(RetryAfter(PictureError("pictures[3]", absl::InternalError("bug"))),
            absl::ZeroDuration());
}

}  // namespace
}  // namespace vico::server
