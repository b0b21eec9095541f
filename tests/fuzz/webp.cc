// WebP files, through the header scan and the decoder.
#include "tests/fuzz/picture.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/webp_files.h"

namespace vico::fuzz {

std::vector<std::string> Seeds() {
  using server::WebpChunk;
  using server::WebpFile;
  const std::string lossy = server::LossyWebp(40, 24);
  const std::string lossless = server::LosslessWebp(40, 24);
  const std::string clear = server::LosslessWebp(40, 24, 100);
  const std::string pixels = lossy.substr(12);
  std::vector<std::string> seeds = {lossy,
                                    lossless,
                                    clear,
                                    server::LossyWebp(40, 24, 100),
                                    server::LossyWebp(200, 120),
                                    lossy + "behind",
                                    lossy.substr(0, lossy.size() / 2),
                                    lossy.substr(0, 12),
                                    server::AnimatedWebp(40, 24, pixels),
                                    server::AnimatedWebp(48, 24, pixels)};
  const std::string header = server::ExtendedHeader(40, 24, 0x3c);
  for (const std::string& profile :
       {server::P3Profile(), server::CmykProfile(), std::string("nothing")}) {
    seeds.push_back(WebpFile(header + WebpChunk("ICCP", profile) + pixels));
  }
  for (int orientation = 0; orientation <= 9; ++orientation) {
    seeds.push_back(
        WebpFile(header + pixels + WebpChunk("EXIF", server::OrientationTiff(orientation, true))));
  }
  seeds.push_back(WebpFile(header + pixels + WebpChunk("EXIF", server::AdobeRgbExif(true))));
  seeds.push_back(WebpFile(header + header + pixels));
  seeds.push_back(WebpFile(header));
  seeds.push_back(WebpFile(header.substr(0, 12)));
  seeds.push_back(WebpFile(server::ExtendedHeader(41, 24, 0) + pixels));
  seeds.push_back(WebpFile(WebpChunk("VP8 ", std::string(10, '\0'))));
  seeds.push_back(WebpFile(WebpChunk("VP8 ", "\x10")));
  seeds.push_back(WebpFile(WebpChunk("VP8L", std::string("\x2f\xff\xff\xff\xff\xff", 6))));
  seeds.push_back(WebpFile(WebpChunk("VP8L", "other")));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kNoLength("RIFF\0\0\0\0WEBP", 12);
  ScanAndDecode(std::string(kNoLength) +
                std::string(AsText(data, size).substr(size < 12 ? size : 12)));
  return 0;
}

}  // namespace vico::fuzz
