// Colour profiles and PNG's colour chunks become sRGB. The expected numbers come from the formulas
// of the colour spaces (icc_files.h), not from littlecms.
#include <array>
#include <cmath>
#include <map>

#include <gmock/gmock.h>

#include "server/pictures/intake.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/jpeg_files.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/server/pictures/webp_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Colour = std::array<int, 3>;  // RGB

constexpr Colour kGreen{60, 200, 80};

/// The colour of a picture of one colour.
Colour ColourIn(const absl::StatusOr<NormalisedPicture>& normalised) {
  EXPECT_THAT(normalised, IsOk());
  if (!normalised.ok()) return {};
  const auto pixel = Decoded(normalised->png).at<cv::Vec3b>(20, 30);
  return {pixel[2], pixel[1], pixel[0]};
}

/// The colour of a picture that is taken without a warning.
Colour ColourOf(const std::string& bytes) {
  const auto normalised = Normalise(bytes);
  if (normalised.ok()) {
    EXPECT_THAT(normalised->warnings, IsEmpty());
  }
  return ColourIn(normalised);
}

void ExpectNear(const Colour& got, const Colour& expected, int tolerance, const char* what) {
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_LE(std::abs(got[c] - expected[c]), tolerance)
        << what << ": got " << got[0] << "," << got[1] << "," << got[2] << ", expected "
        << expected[0] << "," << expected[1] << "," << expected[2];
  }
}

std::string PngOf(const Colour& colour) {
  return Encoded(cv::Mat(64, 64, CV_8UC3, cv::Scalar(colour[2], colour[1], colour[0])), ".png");
}

std::string JpegOf(const Colour& colour, int channels = 3) {
  return JpegFile({.width = 64,
                   .height = 64,
                   .channels = channels,
                   .quality = 100,
                   .sample = [&](uint32_t, uint32_t, int c) {
                     return static_cast<uint8_t>(colour[static_cast<size_t>(c)]);
                   }});
}

std::string WebpOf(const Colour& colour, const std::string& chunks) {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 64 * 64; ++i) {
    for (const int c : {2, 1, 0})
      pixels.push_back(static_cast<uint8_t>(colour[static_cast<size_t>(c)]));
  }
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeLosslessBGR(pixels.data(), 64, 64, 3 * 64, &bytes);
  return WebpFile(ExtendedHeader(64, 64, 32) + chunks + TakeWebp(bytes, size).substr(12));
}

std::array<double, 3> Light(const Colour& colour, double gamma) {
  std::array<double, 3> light{};
  for (size_t c = 0; c < 3; ++c) {
    const double value = colour[c] / 255.0;
    light[c] = gamma == 0 ? SrgbToLight(value) : std::pow(value, gamma);
  }
  return light;
}

std::string Chromaticities(const Primaries& primaries) {
  std::string data;
  for (const auto& point : primaries) {
    for (const double v : point) data += BigEndian32(static_cast<uint32_t>(std::lround(v * 1e5)));
  }
  return data;
}

TEST(ColourTest, DisplayP3BecomesSrgbInEveryFormat) {
  const Colour expected = SrgbOf(kP3Primaries, Light(kGreen, 0));
  EXPECT_THAT(expected, ElementsAre(0, 203, 58));
  const std::string profile = P3Profile();
  ExpectNear(ColourOf(WithPngProfile(PngOf(kGreen), profile)), expected, 1, "PNG");
  ExpectNear(ColourOf(WithProfile(JpegOf(kGreen), profile, 1)), expected, 4, "JPEG");
  ExpectNear(ColourOf(WithProfile(JpegOf(kGreen), profile, 3)), expected, 4, "JPEG, three parts");
  ExpectNear(ColourOf(WebpOf(kGreen, WebpChunk("ICCP", profile))), expected, 1, "WebP");
  ExpectNear(ColourOf(WithChunk(PngOf(kGreen), "cICP", std::string("\x0c\x0d\0\1", 4))), expected,
             1, "cICP");
}

TEST(ColourTest, ProfilesOfBothVersionsAndManySpacesBecomeSrgb) {
  for (const Colour& colour :
       {kGreen, Colour{250, 10, 20}, Colour{12, 60, 130}, Colour{128, 128, 128}}) {
    for (const uint32_t version : {2, 4}) {
      for (const double gamma : {1.0, 1.8, 2.2}) {
        const std::string profile = RgbProfile(kAdobePrimaries, GammaTag(gamma), version);
        // A tag stores a gamma in 256ths.
        const double stored = std::lround(gamma * 256) / 256.0;
        ExpectNear(ColourOf(WithPngProfile(PngOf(colour), profile)),
                   SrgbOf(kAdobePrimaries, Light(colour, stored)), 2, "gamma");
      }
    }
  }
}

TEST(ColourTest, AdobeRgbMarkedInExifBecomesSrgb) {
  const Colour expected = SrgbOf(kAdobePrimaries, Light(kGreen, 563.0 / 256));
  for (const bool by_index : {false, true}) {
    const std::string exif = AdobeRgbExif(by_index);
    ExpectNear(ColourOf(WithSegment(JpegOf(kGreen), 0xe1, exif)), expected, 4, "JPEG");
    ExpectNear(ColourOf(WithChunk(PngOf(kGreen), "eXIf", exif.substr(6))), expected, 1, "PNG");
    ExpectNear(ColourOf(WebpOf(kGreen, WebpChunk("EXIF", exif.substr(6)))), expected, 1, "WebP");
    // A profile counts more than EXIF.
    ExpectNear(ColourOf(WithProfile(WithSegment(JpegOf(kGreen), 0xe1, exif), P3Profile(), 1)),
               SrgbOf(kP3Primaries, Light(kGreen, 0)), 4, "profile");
  }
}

TEST(ColourTest, GammaAndChromaticitiesBecomeSrgb) {
  const std::string linear = WithChunk(PngOf(kGreen), "gAMA", BigEndian32(100'000));
  ExpectNear(ColourOf(linear), SrgbOf(kSrgbPrimaries, Light(kGreen, 1)), 1, "linear");
  ExpectNear(ColourOf(WithChunk(linear, "cHRM", Chromaticities(kAdobePrimaries))),
             SrgbOf(kAdobePrimaries, Light(kGreen, 1)), 1, "linear Adobe RGB");
  const std::string usual = WithChunk(PngOf(kGreen), "gAMA", BigEndian32(45'455));
  ExpectNear(ColourOf(WithChunk(usual, "cHRM", Chromaticities(kP3Primaries))),
             SrgbOf(kP3Primaries, Light(kGreen, 0)), 1, "usual gamma with the primaries of P3");
}

TEST(ColourTest, SrgbInAnyFormChangesNoPixel) {
  const cv::Mat picture = TestPicture(90, 70);
  const std::string png = Encoded(picture, ".png");
  const std::string plain = Normalise(png)->png;
  const std::string srgb_gamma = WithChunk(png, "gAMA", BigEndian32(45'455));
  for (const std::string& file :
       {WithChunk(png, "sRGB", std::string(1, '\0')), srgb_gamma,
        WithChunk(srgb_gamma, "cHRM", Chromaticities(kSrgbPrimaries)),
        WithPngProfile(png, RgbProfile(kSrgbPrimaries, SrgbCurveTag(), 4)),
        WithChunk(png, "cICP", std::string("\x01\x0d\0\1", 4)),
        // Says sRGB, whatever the gamma says.
        WithChunk(WithChunk(png, "gAMA", BigEndian32(100'000)), "sRGB", std::string(1, '\0'))}) {
    const auto normalised = Normalise(file);
    ASSERT_THAT(normalised, IsOk());
    EXPECT_EQ(normalised->png, plain);
    EXPECT_THAT(normalised->warnings, IsEmpty());
  }
}

TEST(ColourTest, TheMostPreciseChunkCounts) {
  std::string png = WithChunk(PngOf(kGreen), "gAMA", BigEndian32(100'000));
  png = WithPngProfile(png, RgbProfile(kAdobePrimaries, GammaTag(1)));
  ExpectNear(ColourOf(png), SrgbOf(kAdobePrimaries, Light(kGreen, 1)), 1, "iCCP over gAMA");
  png = WithChunk(png, "cICP", std::string("\x0c\x0d\0\1", 4));
  ExpectNear(ColourOf(png), SrgbOf(kP3Primaries, Light(kGreen, 0)), 1, "cICP over iCCP");
}

TEST(ColourTest, HighDynamicRangeIsClippedAtWhite) {
  // 203 cd/m2, white in ITU-R BT.2408, is the PQ signal 0.58 and the HLG signal 0.75.
  for (const auto& [transfer, white] : {std::pair{'\x10', 148}, {'\x12', 191}}) {
    const std::string code{'\x09', transfer, '\0', '\1'};
    ExpectNear(ColourOf(WithChunk(PngOf({white, white, white}), "cICP", code)), {255, 255, 255}, 3,
               "white");
    ExpectNear(ColourOf(WithChunk(PngOf({255, 255, 255}), "cICP", code)), {255, 255, 255}, 0,
               "brighter");
    const Colour dark = ColourOf(WithChunk(PngOf({70, 70, 70}), "cICP", code));
    EXPECT_GT(dark[1], 30);
    EXPECT_LT(dark[1], 200);
    EXPECT_LE(std::abs(dark[0] - dark[2]), 2);
  }
}

TEST(ColourTest, GreyProfilesBecomeSrgb) {
  const int expected =
      static_cast<int>(std::lround(255 * LightToSrgb(std::pow(100 / 255.0, 461 / 256.0))));
  const Colour grey{expected, expected, expected};
  const std::string profile = GreyProfile(1.8);
  const std::vector<std::string> rows(64, std::string(64, '\x64'));
  ExpectNear(ColourOf(WithPngProfile(HandMadePng(64, 8, 0, rows), profile)), grey, 1, "8 bits");
  const std::vector<std::string> deep(64, std::string(128, '\x64'));
  ExpectNear(ColourOf(WithPngProfile(HandMadePng(64, 16, 0, deep), profile)), grey, 1, "16 bits");
  std::string opaque;
  for (int x = 0; x < 64; ++x) opaque += "\x64\xff";
  const std::string alpha = HandMadePng(64, 8, 4, std::vector<std::string>(64, opaque));
  ExpectNear(ColourOf(WithPngProfile(alpha, profile)), grey, 1, "with alpha");
  ExpectNear(ColourOf(WithProfile(JpegOf({100, 100, 100}, 1), profile, 1)), grey, 2, "JPEG");
  // Programs also give grey pictures a profile of RGB.
  const Colour linear = SrgbOf(kSrgbPrimaries, Light({100, 100, 100}, 1));
  ExpectNear(ColourOf(WithPngProfile(HandMadePng(64, 8, 0, rows),
                                     RgbProfile(kSrgbPrimaries, GammaTag(1)))),
             linear, 1, "profile of RGB");
}

/// sRGB of L* a* b* relative to D50, by way of Bradford's adaptation to D65.
Colour SrgbOfLab(double l, double a, double b) {
  const double fy = (l + 16) / 116;
  const auto inverse = [](double f) {
    return f > 6.0 / 29 ? f * f * f : 3 * 36.0 / 841 * (f - 4.0 / 29);
  };
  const std::array<double, 3> xyz{0.9642 * inverse(fy + a / 500), inverse(fy),
                                  0.8249 * inverse(fy - b / 200)};
  const Matrix to_d65{{{0.9555766, -0.0230393, 0.0631636},
                       {-0.0282895, 1.0099416, 0.0210077},
                       {0.0122982, -0.0204830, 1.3299098}}};
  const auto light = Times(Inverse(ToXyz(kSrgbPrimaries)), Times(to_d65, xyz));
  Colour rgb{};
  for (size_t c = 0; c < 3; ++c)
    rgb[c] = static_cast<int>(std::lround(255 * LightToSrgb(light[c])));
  return rgb;
}

TEST(ColourTest, CmykProfilesBecomeSrgb) {
  // Samples are inverted: 0 is all ink.
  for (const auto& [ink, expected] : {std::pair{-1, Colour{255, 255, 255}},
                                      {0, SrgbOfLab(60, -30, -40)},
                                      {1, SrgbOfLab(50, 60, 0)},
                                      {2, SrgbOfLab(90, -5, 80)},
                                      {3, Colour{0, 0, 0}}}) {
    const std::string jpeg = JpegFile({.width = 64,
                                       .height = 64,
                                       .channels = 4,
                                       .quality = 100,
                                       .sample = [ink = ink](uint32_t, uint32_t, int c) {
                                         return static_cast<uint8_t>(c == ink ? 0 : 255);
                                       }});
    ExpectNear(ColourOf(WithProfile(jpeg, CmykProfile(), 2)), expected, 4, "one ink");
  }
}

TEST(ColourTest, TransparencyAndSixteenBitsKeepTheirMeaning) {
  const Colour full = SrgbOf(kP3Primaries, Light(kGreen, 0));
  cv::Mat clear(64, 64, CV_8UC4, cv::Scalar(kGreen[2], kGreen[1], kGreen[0], 0));
  EXPECT_THAT(ColourOf(WithPngProfile(Encoded(clear, ".png"), P3Profile())),
              ElementsAre(255, 255, 255));
  clear.setTo(cv::Scalar(kGreen[2], kGreen[1], kGreen[0], 51));
  Colour fifth{};
  for (size_t c = 0; c < 3; ++c) fifth[c] = (full[c] + 4 * 255) / 5;
  ExpectNear(ColourOf(WithPngProfile(Encoded(clear, ".png"), P3Profile())), fifth, 2, "alpha");
  cv::Mat deep(64, 64, CV_16UC3, cv::Scalar(kGreen[2] * 257, kGreen[1] * 257, kGreen[0] * 257));
  ExpectNear(ColourOf(WithPngProfile(Encoded(deep, ".png"), P3Profile())), full, 2, "16 bits");
  cv::Mat both(64, 64, CV_16UC4,
               cv::Scalar(kGreen[2] * 257, kGreen[1] * 257, kGreen[0] * 257, 65535));
  ExpectNear(ColourOf(WithPngProfile(Encoded(both, ".png"), P3Profile())), full, 2, "both");
}

TEST(ColourTest, AnUnusableProfileIsAWarning) {
  const std::string png = PngOf(kGreen), jpeg = JpegOf(kGreen);
  std::string three = WithProfile(jpeg, P3Profile(), 3);
  three.erase(2, 2 + 16 + (P3Profile().size() + 2) / 3);  // the first part
  const std::string whole = P3Profile();
  const std::map<std::string, std::string> files = {
      {"no profile", WithPngProfile(png, "nothing")},
      {"truncated", WithPngProfile(png, whole.substr(0, 200))},
      {"not packed", WithChunk(png, "iCCP", std::string("name\0\0", 6) + whole)},
      {"no name", WithChunk(png, "iCCP", "nothing")},
      {"of CMYK", WithPngProfile(png, CmykProfile())},
      {"of grey", WithPngProfile(png, GreyProfile(1.8))},
      {"of a device link", WithPngProfile(png, IccFile(2, "link", "RGB ", "XYZ ", {}))},
      {"without tags", WithPngProfile(png, IccFile(2, "mntr", "RGB ", "XYZ ", {}))},
      {"too large when unpacked",
       WithPngProfile(png, whole + std::string(size_t{kMaxProfileBytes} + 1, '\0'))},
      {"too large", WebpOf(kGreen, WebpChunk("ICCP", whole + std::string(kMaxProfileBytes, '\0')))},
      {"a part is missing", three},
      {"narrow range", WithChunk(png, "cICP", std::string("\x0c\x0d\0\0", 4))},
      {"unknown code points", WithChunk(png, "cICP", std::string("\x02\x02\0\1", 4))},
      {"two code points", WithChunk(png, "cICP", "\x0c\x0d")},
      {"millions of code points",
       WithChunk(png, "cICP", std::string(size_t{kMaxProfileBytes} + 1, '\x01'))},
      {"no gamma", WithChunk(png, "gAMA", BigEndian32(0))},
      {"no white",
       WithChunk(WithChunk(png, "gAMA", BigEndian32(45'455)), "cHRM", std::string(32, '\0'))}};
  for (const auto& [name, file] : files) {
    const auto normalised = Normalise(file);
    ASSERT_THAT(normalised, IsOk()) << name;
    ExpectNear(ColourIn(normalised), kGreen, file.starts_with('\xff') ? 2 : 0, name.c_str());
    ASSERT_EQ(normalised->warnings.size(), 1U) << name;
    EXPECT_EQ(normalised->warnings[0].reason, "COLOUR_PROFILE_UNUSABLE") << name;
    EXPECT_THAT(normalised->warnings[0].text, HasSubstr("taken as sRGB")) << name;
  }
}

}  // namespace
}  // namespace vico::server
