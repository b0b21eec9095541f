#include "server/pictures/decoder/decode.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <opencv2/imgproc.hpp>
#include <png.h>

#include "server/pictures/intake.h"
#include "tests/server/pictures/decoder/opencv_reference.h"
#include "tests/server/pictures/decoders.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

std::string FileBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string EncodedWith(const cv::Mat& picture, const std::string& extension,
                        const std::vector<int>& parameters) {
  std::vector<uchar> bytes;
  if (!cv::imencode(extension, picture, bytes, parameters)) std::abort();
  return {bytes.begin(), bytes.end()};
}

/// Rows of noise in the packing of a PNG of that kind.
std::string NoisePng(int bit_depth, int colour_type, const std::string& chunks = "") {
  static const std::map<int, int> samples = {{0, 1}, {2, 3}, {3, 1}, {4, 2}, {6, 4}};
  const int row_bytes = (67 * bit_depth * samples.at(colour_type) + 7) / 8;
  std::mt19937 random(static_cast<unsigned>(bit_depth * 10 + colour_type));
  std::vector<std::string> rows(65, std::string(static_cast<size_t>(row_bytes), '\0'));
  for (std::string& row : rows) {
    for (char& byte : row) byte = static_cast<char>(random() & 0xff);
  }
  return HandMadePng(67, bit_depth, colour_type, rows, chunks);
}

void Append(png_structp png, png_bytep bytes, size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(bytes), size);
}

/// 16-bit RGB and alpha, interlaced, as libpng writes it.
std::string InterlacedPng(uint32_t width, uint32_t height) {
  std::string file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &file, Append, nullptr);
  png_set_IHDR(png, info, width, height, 16, PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_ADAM7,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  std::mt19937 random(5);
  std::vector<std::vector<png_byte>> rows(height, std::vector<png_byte>(size_t{width} * 8));
  std::vector<png_bytep> starts;
  for (auto& row : rows) {
    for (png_byte& byte : row) byte = static_cast<png_byte>(random());
    starts.push_back(row.data());
  }
  png_write_image(png, starts.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return file;
}

std::string Palette(int bit_depth) {
  std::string colours;
  for (int i = 0; i < 3 << bit_depth; ++i) colours += static_cast<char>(i * 37 % 256);
  return PngChunk("PLTE", colours);
}

/// Every accepted kind of picture, by name.
std::map<std::string, std::string> Pictures() {
  const cv::Mat picture = TestPicture(101, 67);
  cv::Mat grey, deep, clear;
  cv::cvtColor(picture, grey, cv::COLOR_BGR2GRAY);
  picture.convertTo(deep, CV_16U, 257, 91);
  cv::cvtColor(picture, clear, cv::COLOR_BGR2BGRA);
  for (int x = 0; x < clear.cols; ++x) {
    for (int y = 0; y < clear.rows; ++y)
      clear.at<cv::Vec4b>(y, x)[3] = cv::saturate_cast<uchar>(2 * x + y);
  }
  std::map<std::string, std::string> pictures = {
      {"rgb.png", Encoded(picture, ".png")},
      {"grey.png", Encoded(grey, ".png")},
      {"rgb16.png", Encoded(deep, ".png")},
      {"rgba.png", Encoded(clear, ".png")},
      {"rgb.jpg", Encoded(picture, ".jpg")},
      {"grey.jpg", Encoded(grey, ".jpg")},
      {"progressive.jpg", EncodedWith(picture, ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1})},
      {"low.jpg", EncodedWith(picture, ".jpg", {cv::IMWRITE_JPEG_QUALITY, 20})},
      {"restarts.jpg", EncodedWith(picture, ".jpg", {cv::IMWRITE_JPEG_RST_INTERVAL, 2})},
      {"cmyk.jpg", FileBytes("tests/server/data/cmyk.jpg")}};
  for (const int depth : {1, 2, 4, 8, 16}) {
    pictures["noise_grey_" + std::to_string(depth)] = NoisePng(depth, 0);
    pictures["noise_grey_clear_" + std::to_string(depth)] =
        NoisePng(depth, 0, PngChunk("tRNS", std::string(2, '\0')));
    if (depth < 16) {
      pictures["noise_palette_" + std::to_string(depth)] = NoisePng(depth, 3, Palette(depth));
      pictures["noise_palette_clear_" + std::to_string(depth)] =
          NoisePng(depth, 3, Palette(depth) + PngChunk("tRNS", std::string("\0\x80", 2)));
    }
    if (depth < 8) continue;
    pictures["noise_rgb_" + std::to_string(depth)] = NoisePng(depth, 2);
    pictures["noise_rgb_clear_" + std::to_string(depth)] =
        NoisePng(depth, 2, PngChunk("tRNS", std::string(6, '\0')));
    pictures["noise_grey_alpha_" + std::to_string(depth)] = NoisePng(depth, 4);
    pictures["noise_rgba_" + std::to_string(depth)] = NoisePng(depth, 6);
  }
  for (const char* name : {"beach", "brick", "grass", "snow", "table"}) {
    for (const char* folder : {"mug", "robot"}) {
      const std::string path = std::string("examples/") + folder + "/" + name + ".png";
      pictures[path] = FileBytes(path);
    }
  }
  return pictures;
}

TEST(DecodeTest, EveryPictureEqualsWhatOpenCvReads) {
  for (const auto& [name, bytes] : Pictures()) {
    // OpenCV ignores the transparent colour of grey.
    if (name.starts_with("noise_grey_clear")) continue;
    auto scanned = ScanPicture(bytes, {});
    ASSERT_THAT(scanned, IsOk()) << name;
    for (int orientation = 1; orientation <= 8; ++orientation) {
      scanned->orientation = orientation;
      const cv::Mat expected = OpenCvReading(scanned->stripped, orientation);
      ASSERT_FALSE(expected.empty()) << name;
      const auto pixels = DirectDecoder().Decode(*scanned);
      ASSERT_THAT(pixels, IsOk()) << name;
      EXPECT_TRUE(SamePixels(*pixels, expected)) << name << ", orientation " << orientation;
    }
  }
}

TEST(DecodeTest, AnInterlacedPictureEqualsWhatOpenCvReads) {
  const std::string png = InterlacedPng(71, 65);
  const auto scanned = ScanPicture(png, {});
  ASSERT_THAT(scanned, IsOk());
  const auto pixels = DirectDecoder().Decode(*scanned);
  ASSERT_THAT(pixels, IsOk());
  EXPECT_TRUE(SamePixels(*pixels, OpenCvReading(png, 1)));
}

TEST(DecodeTest, TheProcessGivesTheSamePngsAndFingerprints) {
  const auto process = DecoderProcess::Start(TestDecoder(), Log::Off());
  ASSERT_THAT(process, IsOk());
  DirectDecoder direct;
  for (const auto& [name, bytes] : Pictures()) {
    const auto here = NormalisePicture(bytes, direct);
    const auto there = NormalisePicture(bytes, **process);
    ASSERT_THAT(here, IsOk()) << name;
    ASSERT_THAT(there, IsOk()) << name;
    EXPECT_EQ(here->png, there->png) << name;
    EXPECT_EQ(here->fingerprint.gradient, there->fingerprint.gradient) << name;
    EXPECT_EQ(here->fingerprint.thumbnail, there->fingerprint.thumbnail) << name;
  }
}

TEST(DecodeTest, AFileOfAnotherSizeThanTheJobIsRefused) {
  Pixels pixels;
  for (const char* extension : {".png", ".jpg"}) {
    const std::string file = Encoded(TestPicture(64, 80), extension);
    EXPECT_EQ(DecodePicture({.file = file, .width = 64, .height = 80}, pixels),
              DecodeOutcome::kDecoded);
    for (const auto& [width, height] : {std::pair{80u, 64u}, {64u, 81u}, {65u, 80u}}) {
      EXPECT_NE(DecodePicture({.file = file, .width = width, .height = height}, pixels),
                DecodeOutcome::kDecoded)
          << extension << " " << width << " x " << height;
    }
  }
}

}  // namespace
}  // namespace vico::server
