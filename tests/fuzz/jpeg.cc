// JPEG files, through the header scan and the decoder.
#include "tests/fuzz/picture.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/jpeg_files.h"
#include "tests/server/pictures/png_files.h"

namespace vico::fuzz {
namespace {

/// The file with its scans repeated.
std::string WithScans(const std::string& jpeg, int times) {
  const size_t scan = jpeg.find("\xff\xda");
  std::string many = jpeg.substr(0, scan);
  for (int i = 0; i < times; ++i) many += jpeg.substr(scan, jpeg.size() - 2 - scan);
  return many + "\xff\xd9";
}

}  // namespace

std::vector<std::string> Seeds() {
  using server::JpegFile;
  const std::string good = JpegFile({});
  std::vector<std::string> seeds = {
      good, JpegFile({.channels = 1}), JpegFile({.channels = 4}),
      JpegFile({.channels = 4, .progressive = true}), JpegFile({.progressive = true}),
      JpegFile({.restart_rows = 1}), JpegFile({.subsampled = false}),
      JpegFile({.interleaved = false}), JpegFile({.progressive = true, .restart_rows = 1}),
      // Is scaled down.
      JpegFile({.width = 200, .height = 120}), JpegFile({.width = 520, .height = 100}),
      JpegFile({.width = 400, .height = 160, .progressive = true}), WithScans(good, 3),
      WithScans(good, 64), WithScans(good, 1000), WithScans(JpegFile({.progressive = true}), 20),
      good + "behind", good.substr(0, good.size() / 2),
      server::WithSegment(good, 0xfe, "a comment"), server::WithSegment(good, 0xe2, "ICC_PROFILE"),
      server::WithProfile(good, server::P3Profile(), 1),
      server::WithProfile(good, server::P3Profile(), 3),
      server::WithProfile(JpegFile({.channels = 1}), server::GreyProfile(1.8), 1),
      server::WithProfile(JpegFile({.channels = 4}), server::CmykProfile(), 2),
      server::WithSegment(good, 0xe1, server::AdobeRgbExif(true)),
      server::WithSegment(good, 0xe1, server::AdobeRgbExif(false)),
      server::WithSegment(good, 0xdc, std::string("\0\x18", 2))};
  for (int orientation = 0; orientation <= 9; ++orientation) {
    const std::string exif = std::string("Exif\0\0", 6);
    seeds.push_back(
        server::WithSegment(good, 0xe1, exif + server::OrientationTiff(orientation, true)));
    seeds.push_back(
        server::WithSegment(good, 0xe1, exif + server::OrientationTiff(orientation, false)));
  }
  const size_t frame = good.find("\xff\xc0");
  for (const char marker : {'\xc1', '\xc2', '\xc3', '\xc5', '\xc8', '\xc9', '\xcc', '\xcf'}) {
    std::string other = good;
    other[frame + 1] = marker;
    seeds.push_back(other);
  }
  std::string bomb = good;
  for (size_t i = 5; i < 9; ++i) bomb[frame + i] = '\xff';
  seeds.push_back(bomb);
  std::string deep = good;
  deep[frame + 4] = 12;  // bits
  seeds.push_back(deep);
  std::string channels = good;
  channels[frame + 9] = 2;
  seeds.push_back(channels);
  // What phones and programs write.
  std::string odd = good;
  odd[server::FindMarker(odd, 0xda) + 12] = '\0';  // the last coefficient of the scan
  seeds.push_back(odd);
  seeds.push_back(good.substr(0, good.size() - 2));
  seeds.push_back(good.substr(0, good.size() - 2) + "stray" + good.substr(good.size() - 2));
  seeds.push_back(good.substr(0, 2) + "stray" + good.substr(2));
  seeds.push_back(good.substr(0, good.size() - 2) + good);
  seeds.push_back(good.substr(0, good.size() - 2) + "\xff\xfe\xff\xff");
  seeds.push_back(server::WithSegment(good, 0xee, std::string("Adobe\0\x64\0\0\0\0\x07", 12)));
  std::string restarts = JpegFile({.height = 120, .restart_rows = 1});
  for (int i = 0; server::FindMarker(restarts, 0xd1) != std::string::npos && i < 20; ++i) {
    restarts[server::FindMarker(restarts, 0xd1) + 1] = '\xd0';
  }
  seeds.push_back(restarts);
  const std::string progressive = JpegFile({.progressive = true});
  seeds.push_back(progressive.substr(0, server::FindMarker(progressive, 0xda, 4)));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ScanAndDecode("\xff\xd8\xff" + std::string(AsText(data, size).substr(size < 3 ? size : 3)));
  return 0;
}

}  // namespace vico::fuzz
