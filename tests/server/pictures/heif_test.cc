// HEIC and AVIF: single pictures, grids as phones write them, and what is refused by name. The
// coded tiles are of heif-enc 1.15: red (220, 40, 30) beside blue (20, 60, 200), 96 x 64 pixels.
#include <deque>
#include <filesystem>

#include <gmock/gmock.h>

#include "server/pictures/intake.h"
#include "server/pictures/scan/heif_boxes.h"
#include "tests/server/pictures/decoders.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/heif_files.h"
#include "tests/server/pictures/heif_samples.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kTolerance = 3;  // levels, of the coding

using Rgb8 = std::array<int, 3>;
constexpr Rgb8 kRed{220, 40, 30}, kBlue{20, 60, 200};

void ExpectPixel(const cv::Mat& picture, int x, int y, const Rgb8& expected) {
  ASSERT_TRUE(x < picture.cols && y < picture.rows) << picture.cols << " x " << picture.rows;
  const auto pixel = picture.at<cv::Vec3b>(y, x);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(pixel[2 - c], expected[static_cast<size_t>(c)], kTolerance) << x << ", " << y;
  }
}

cv::Mat PixelsOf(const absl::StatusOr<NormalisedPicture>& normalised) {
  EXPECT_THAT(normalised, IsOk());
  if (!normalised.ok()) return {};
  EXPECT_THAT(normalised->warnings, IsEmpty());
  return Decoded(normalised->png);
}

TEST(HeifTest, EveryKindIsDecodedAlsoInTheProcess) {
  const auto process = DecoderProcess::Start(TestDecoder(), Log::Off());
  ASSERT_THAT(process, IsOk());
  // A fifth of blue over white.
  constexpr Rgb8 kPale{208, 216, 244};
  for (const auto& [name, left, right] : {std::tuple{"two.heic", kRed, kBlue},
                                          {"two.avif", kRed, kBlue},
                                          {"clear.heic", kRed, kPale},
                                          {"clear10.avif", kRed, kPale},
                                          {"grey.avif", Rgb8{93, 93, 93}, Rgb8{64, 64, 64}}}) {
    const std::string file = HeifSample(name);
    const auto normalised = Normalise(file);
    const cv::Mat pixels = PixelsOf(normalised);
    ExpectPixel(pixels, 10, 30, left);
    ExpectPixel(pixels, 80, 30, right);
    const auto there = NormalisePicture(file, **process);
    ASSERT_THAT(there, IsOk()) << name;
    EXPECT_EQ(there->png, normalised->png) << name;
  }
}

TEST(HeifTest, AGridIsPutTogetherAndCut) {
  for (const char* name : {"two.heic", "two.avif"}) {
    const CodedTile tile = TileOf(name);
    const cv::Mat whole = PixelsOf(Normalise(GridOf(tile, 2, 2, 192, 128)));
    ASSERT_EQ(whole.cols, 192);
    for (const int y : {10, 120}) {
      ExpectPixel(whole, 10, y, kRed);
      ExpectPixel(whole, 80, y, kBlue);
      ExpectPixel(whole, 110, y, kRed);
      ExpectPixel(whole, 180, y, kBlue);
    }
    const cv::Mat cut = PixelsOf(Normalise(GridOf(tile, 2, 2, 120, 100)));
    ASSERT_EQ(cut.cols, 120);
    ASSERT_EQ(cut.rows, 100);
    ExpectPixel(cut, 119, 99, kRed);
  }
}

TEST(HeifTest, ItemsMayLieInPieces) {
  EXPECT_EQ(Normalise(OneTile(TileOf("two.heic"), {}, true))->png,
            Normalise(OneTile(TileOf("two.heic")))->png);
}

TEST(HeifTest, TurnsAndMirrorsAreApplied) {
  const CodedTile tile = TileOf("two.heic");
  const auto turn = [](int quarters) {
    return HeifBox("irot", std::string(1, static_cast<char>(quarters)));
  };
  const auto mirror = [](int mode) {
    return HeifBox("imir", std::string(1, static_cast<char>(mode)));
  };
  // Red is at the left as stored. Quarter turns go against the clock.
  const cv::Mat up = PixelsOf(Normalise(OneTile(tile, {turn(3)})));
  ASSERT_EQ(up.rows, 96);
  ExpectPixel(up, 30, 10, kRed);
  ExpectPixel(PixelsOf(Normalise(OneTile(tile, {turn(1)}))), 30, 10, kBlue);
  ExpectPixel(PixelsOf(Normalise(OneTile(tile, {turn(2)}))), 10, 30, kBlue);
  ExpectPixel(PixelsOf(Normalise(OneTile(tile, {mirror(1)}))), 10, 30, kBlue);
  ExpectPixel(PixelsOf(Normalise(OneTile(tile, {mirror(0)}))), 10, 30, kRed);
  ExpectPixel(PixelsOf(Normalise(OneTile(tile, {turn(1), mirror(0)}))), 30, 10, kRed);
  const auto orientation = [&](const std::vector<std::string>& properties) {
    return ScanPicture(OneTile(tile, properties), {})->orientation;
  };
  EXPECT_EQ(orientation({turn(1), turn(3)}), 1);
  EXPECT_EQ(orientation({mirror(0), mirror(1)}), 3);
  EXPECT_EQ(orientation({mirror(1), turn(1)}), orientation({turn(3), mirror(1)}));
}

TEST(HeifTest, ColoursBecomeSrgb) {
  const CodedTile tile = TileOf("two.heic");
  const auto coded = [](int primaries, int transfer) {
    return HeifBox("colr", "nclx" + BigEndian16(static_cast<uint32_t>(primaries)) +
                               BigEndian16(static_cast<uint32_t>(transfer)) + BigEndian16(6) +
                               "\x80");
  };
  const Rgb8 expected = SrgbOf(
      kP3Primaries,
      {SrgbToLight(kRed[0] / 255.0), SrgbToLight(kRed[1] / 255.0), SrgbToLight(kRed[2] / 255.0)});
  for (const std::string& colour : {HeifBox("colr", "prof" + P3Profile()), coded(12, 13)}) {
    const auto pixel = PixelsOf(Normalise(OneTile(tile, {colour}))).at<cv::Vec3b>(30, 10);
    EXPECT_NEAR(pixel[2], expected[0], 4);
    EXPECT_NEAR(pixel[1], expected[1], 8);  // dark levels are steep
  }
  ExpectPixel(PixelsOf(Normalise(OneTile(tile, {coded(1, 13)}))), 10, 30, kRed);
  ExpectPixel(PixelsOf(Normalise(OneTile(tile, {coded(2, 2)}))), 10, 30, kRed);
}

TEST(HeifTest, AlphaHasTheFullRangeWhateverTheColoursHave) {
  const CodedTile colours = TileOf("two.avif"), alpha = TileOf("grey.avif");
  constexpr int kAlpha = 64;  // in the right half of grey.avif
  for (const char* range : {"\x80", ""}) {
    const std::string mark = HeifBox(
        "colr", "nclx" + BigEndian16(1) + BigEndian16(13) + BigEndian16(6) + std::string(range, 1));
    const auto opaque = PixelsOf(Normalise(OneTile(colours, {mark}))).at<cv::Vec3b>(30, 80);
    const HeifItemToWrite item{
        colours.type, colours.data, {mark, HeifSize(96, 64), colours.config}};
    const std::string kind =
        HeifFullBox("auxC", 0, std::string("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha") + '\0');
    const HeifItemToWrite mask{alpha.type, alpha.data, {kind, HeifSize(96, 64), alpha.config}};
    const auto clear = PixelsOf(Normalise(WriteHeif("avif", {item, mask}, {{"auxl", 2, {1}}})))
                           .at<cv::Vec3b>(30, 80);
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(clear[c], (opaque[c] * kAlpha + 255 * (255 - kAlpha)) / 255, 3) << c;
    }
  }
}

TEST(HeifTest, ColoursMayBeMultipliedByAlpha) {
  const CodedTile colours = TileOf("two.avif"), alpha = TileOf("grey.avif");
  constexpr int kAlpha = 64;  // in the right half of grey.avif
  const auto opaque = PixelsOf(Normalise(OneTile(colours))).at<cv::Vec3b>(30, 80);
  const std::string kind =
      HeifFullBox("auxC", 0, std::string("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha") + '\0');
  const auto clear =
      PixelsOf(
          Normalise(WriteHeif("avif",
                              {{colours.type, colours.data, {HeifSize(96, 64), colours.config}},
                               {alpha.type, alpha.data, {kind, HeifSize(96, 64), alpha.config}}},
                              {{"auxl", 2, {1}}, {"prem", 1, {2}}})))
          .at<cv::Vec3b>(30, 80);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(clear[c], std::min<int>(opaque[c], kAlpha) + 255 - kAlpha, 3) << c;
  }
}

TEST(HeifTest, ALargePictureIsScaledDown) {
  const PictureLimits limits{.min_side = 8, .max_pixels = 7000};
  DirectDecoder decoder;
  const cv::Mat half =
      PixelsOf(NormalisePicture(GridOf(TileOf("two.heic"), 2, 2, 191, 127), decoder, limits));
  ASSERT_EQ(half.cols, 96);
  ASSERT_EQ(half.rows, 64);
  ExpectPixel(half, 10, 60, kRed);
  ExpectPixel(half, 30, 10, kBlue);
  EXPECT_THAT(ScanPicture(OneTile(TileOf("two.heic"), {HeifSize(10000, 6000)}), {}),
              HasMessage(HasSubstr("a HEIC must have at most 50000000 pixels")));
}

TEST(HeifTest, OfASequenceTheMainPictureIsUsed) {
  std::string file = OneTile(TileOf("two.avif"));
  file.replace(8, 4, "avis");
  const auto normalised = Normalise(file);
  ASSERT_THAT(normalised, IsOk());
  ASSERT_EQ(normalised->warnings.size(), 1U);
  EXPECT_EQ(normalised->warnings[0].reason, "PICTURE_ANIMATED");
}

TEST(HeifTest, DamageIsNamed) {
  const std::string whole = HeifSample("two.heic");
  EXPECT_THAT(Normalise(whole.substr(0, whole.size() - 20)),
              HasMessage(AllOf(HasSubstr("the file ends at byte"), HasSubstr("incomplete"))));
  EXPECT_THAT(Normalise(whole.substr(0, 60)), HasMessage(HasSubstr("meta")));
  CodedTile broken = TileOf("two.heic");
  broken.data = std::string(broken.data.size(), '\x7f');
  EXPECT_THAT(Normalise(OneTile(broken)),
              HasMessage(HasSubstr("the HEIC data are damaged in tile 1")));
  EXPECT_THAT(Normalise(OneTile(TileOf("two.avif"), {HeifSize(200, 64)})),
              HasMessage(HasSubstr("the AVIF data are damaged in tile 1")));
  CodedTile other = TileOf("two.heic");
  other.type = "jpeg";
  EXPECT_THAT(Normalise(OneTile(other)), HasMessage(HasSubstr("another way than HEVC and AV1")));
}

TEST(HeifTest, HostileContainersAreRefused) {
  const CodedTile tile = TileOf("two.heic");
  const HeifItemToWrite one{tile.type, tile.data, {HeifSize(96, 64), tile.config}};
  const auto grid = [](int columns, int rows) {
    return HeifItemToWrite{"grid", HeifGrid(columns, rows, 192, 128), {HeifSize(192, 128)}};
  };
  // A thousand tiles that share their bytes would multiply the file.
  const std::vector<uint32_t> many(1000, 2);
  EXPECT_THAT(Normalise(WriteHeif("heic", {grid(50, 20), one}, {{"dimg", 1, many}})),
              HasMessage(HasSubstr("share their data")));
  EXPECT_THAT(Normalise(WriteHeif("heic", {grid(2, 2), one}, {{"dimg", 1, {2, 2}}})),
              HasMessage(HasSubstr("lacks tiles")));
  EXPECT_THAT(Normalise(WriteHeif("heic", {grid(1, 1), one}, {{"dimg", 1, {9}}})),
              HasMessage(HasSubstr("lacks tiles")));
  EXPECT_THAT(Normalise(WriteHeif("heic", {grid(1, 1), grid(1, 1)}, {{"dimg", 1, {1}}})),
              HasMessage(HasSubstr("another way")));  // a grid of itself
  // Two lists of properties for one item.
  const std::string list = BigEndian16(1) + static_cast<char>(200) + std::string(200, '\1');
  const std::string boxes =
      HeifFullBox("pitm", 0, BigEndian16(1)) +
      HeifFullBox(
          "iinf", 0,
          BigEndian16(1) +
              HeifFullBox("infe", 2, BigEndian16(1) + BigEndian16(0) + std::string("hvc1\0", 5))) +
      HeifBox("iprp", HeifBox("ipco", HeifSize(96, 64)) +
                          HeifFullBox("ipma", 0, BigEndian32(2) + list + list));
  EXPECT_THAT(Normalise(HeifBox("ftyp", "heic" + std::string(4, '\0') + "heic") +
                        HeifFullBox("meta", 0, boxes)),
              HasMessage(HasSubstr("too many properties")));
  for (const std::string& whole : {HeifSample("clear.heic"), GridOf(tile, 2, 2, 192, 128)}) {
    for (size_t size = 12; size < whole.size(); size += 7) {
      EXPECT_THAT(Normalise(whole.substr(0, size)), HasCode(absl::StatusCode::kInvalidArgument));
    }
  }
}

}  // namespace
}  // namespace vico::server
