// Files of any type as an upload, through the choice of the type and the limits of sizes.
#include "tests/fuzz/picture.h"

#include "tests/common/formats/named_files.h"
#include "tests/server/pictures/heif_samples.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/jpeg_files.h"
#include "tests/server/pictures/webp_files.h"

namespace vico::fuzz {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {"",
                                    "\x01\x02\x03",
                                    server::JpegFile({}),
                                    server::JpegFile({.channels = 1}),
                                    server::JpegFile({.width = 200, .height = 120}),
                                    server::LosslessWebp(40, 24),
                                    server::WithPngProfile(server::PngThatSays(16, 16), "nothing")};
  for (const auto& [width, height] :
       {std::pair{0U, 9U}, {600U, 300U}, {200U, 200U}, {90U, 9U}, {65'535U, 65'535U}}) {
    seeds.push_back(server::PngThatSays(width, height));
    std::string jpeg = server::JpegFile({});
    jpeg.replace(server::FindMarker(jpeg, 0xc0) + 5, 4,
                 server::BigEndian16(height) + server::BigEndian16(width));
    seeds.push_back(jpeg);
  }
  seeds.push_back(server::PngThatSays(128, 128, 16, 6));
  seeds.push_back(server::HeifSample("two.heic"));
  seeds.push_back(server::HeifSample("two.avif"));
  seeds.push_back(server::LosslessWebp(200, 120));
  const std::string jpeg = server::JpegFile({});
  seeds.push_back(jpeg.substr(0, jpeg.size() / 2) + std::string(5000, '\0'));
  for (const auto& [bytes, name] : NamedFiles()) seeds.push_back(bytes);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ScanAndDecode(AsText(data, size));
  return 0;
}

}  // namespace vico::fuzz
