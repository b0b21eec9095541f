// ICC profiles and PNG's colour chunks, through littlecms. The first byte chooses the kind of data
// and of samples.
#include "server/pictures/decoder/colour.h"

#include "tests/fuzz/fuzz_target.h"
#include "tests/server/pictures/icc_files.h"

namespace vico::fuzz {
namespace {

constexpr uint32_t kWidth = 16;

}  // namespace

std::vector<std::string> Seeds() {
  using namespace server;  // NOLINT(google-build-using-namespace): the makers of profiles
  std::vector<std::string> seeds;
  const std::string deflated = WithPngProfile(std::string(33, '\0'), P3Profile());
  for (int samples = 0; samples < 10; ++samples) {
    const auto seed = [&](ColourKind kind, const std::string& data) {
      seeds.push_back(static_cast<char>(static_cast<int>(kind) + 8 * samples) + data);
    };
    seed(ColourKind::kIcc, P3Profile());
    seed(ColourKind::kIcc, RgbProfile(kAdobePrimaries, GammaTag(2.2)));
    seed(ColourKind::kIcc, RgbProfile(kSrgbPrimaries, SrgbCurveTag(), 4));
    seed(ColourKind::kIcc, GreyProfile(1.8));
    seed(ColourKind::kIcc, CmykProfile());
    seed(ColourKind::kIcc, IccFile(2, "link", "RGB ", "XYZ ", {}));
    seed(ColourKind::kIcc, IccFile(2, "mntr", "Lab ", "XYZ ", {}));
    seed(ColourKind::kIcc, IccFile(2, "mntr", "\xa5GB ", "XYZ ", {}));
    seed(ColourKind::kIcc, IccFile(2, "\xa5ntr", "RGB ", "XYZ ", {}));
    seed(ColourKind::kDeflatedIcc, deflated.substr(33 + 8 + 6));
    seed(ColourKind::kGamma, BigEndian32(100'000));
    std::string primaries = BigEndian32(45'455);
    for (const uint32_t number :
         {31'270U, 32'900U, 68'000U, 32'000U, 26'500U, 69'000U, 15'000U, 6'000U}) {
      primaries += BigEndian32(number);
    }
    seed(ColourKind::kGamma, primaries);
    seed(ColourKind::kGamma, std::string(36, '\0'));
    seed(ColourKind::kAdobeRgb, "");
    for (const char code : {1, 5, 6, 9, 11, 12, 2}) {
      for (const char transfer : {1, 4, 5, 8, 13, 16, 18, 2}) {
        if (samples == 1) seed(ColourKind::kCicp, {code, transfer, 0, 1});
      }
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<server::ColourKind>(data[0] % 8);
  if (kind > server::ColourKind::kLast) return 0;
  const int choice = data[0] / 8 % 10;
  const auto samples = static_cast<server::Samples>(choice % 5);
  const bool deep = choice >= 5 && samples != server::Samples::kInvertedCmyk;
  server::DecodeNotes notes;
  const server::DecodeJob job{.colour = kind, .colour_data = AsText(data, size).substr(1)};
  server::ColourConverter colours(job, samples, deep, notes);
  std::vector<uint16_t> row(kWidth * 4, 0x1234);
  std::vector<uint8_t> bgr(kWidth * 3 + 1, 0xa5);
  colours.Convert(row.data(), kWidth, bgr.data());
  MustHold(bgr.back() == 0xa5, "a row is as long as it must be");
  return 0;
}

}  // namespace vico::fuzz
