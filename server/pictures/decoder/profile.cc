#include "server/pictures/decoder/profile.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <zlib.h>

namespace vico::server {
namespace {

constexpr cmsCIExyY kD65{0.3127, 0.3290, 1};
constexpr cmsCIExyYTRIPLE kBt709{{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};

/// Owns a curve of littlecms.
struct Curve {
  explicit Curve(cmsToneCurve* made) : curve(made) {}
  ~Curve() {
    if (curve != nullptr) cmsFreeToneCurve(curve);
  }
  Curve(const Curve&) = delete;
  Curve& operator=(const Curve&) = delete;

  cmsToneCurve* curve;
};

Profile Rgb(const cmsCIExyY& white, const cmsCIExyYTRIPLE& primaries, const Curve& tone) {
  if (tone.curve == nullptr) return {};
  cmsToneCurve* const curves[] = {tone.curve, tone.curve, tone.curve};
  return Profile(cmsCreateRGBProfile(&white, &primaries, curves));
}

cmsToneCurve* SrgbCurve() {
  const cmsFloat64Number parameters[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  return cmsBuildParametricToneCurve(nullptr, 4, parameters);
}

/// A curve from its values, which are clipped to 0..1.
template <class Function>
cmsToneCurve* Sampled(const Function& function) {
  std::vector<cmsUInt16Number> values(4096);
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = function(static_cast<double>(i) / 4095.0);
    values[i] = static_cast<cmsUInt16Number>(std::lround(65535 * std::clamp(value, 0.0, 1.0)));
  }
  return cmsBuildTabulatedToneCurve16(nullptr, static_cast<cmsUInt32Number>(values.size()),
                                      values.data());
}

// Brightness of white in pictures with a high dynamic range, in cd/m2 (ITU-R BT.2408). What is
// brighter is clipped.
constexpr double kWhite = 203;

double PqToLight(double signal) {
  const double power = std::pow(signal, 32.0 / 2523);
  const double above = std::max(power - 0.8359375, 0.0);
  return 10000 / kWhite * std::pow(above / (18.8515625 - 18.6875 * power), 8192.0 / 1305);
}

double HlgToLight(double signal) {
  const double scene = signal <= 0.5
                           ? signal * signal / 3
                           : (std::exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12;
  return 1000 / kWhite * std::pow(scene, 1.2);
}

double Bt709ToLight(double signal) {
  return signal < 0.081 ? signal / 4.5 : std::pow((signal + 0.099) / 1.099, 1 / 0.45);
}

/// The curve for a transfer function of H.273; null for one that has none here.
cmsToneCurve* CicpCurve(int transfer) {
  switch (transfer) {
    case 1:
    case 6:
    case 14:
    case 15:
      return Sampled(Bt709ToLight);
    case 4:
      return cmsBuildGamma(nullptr, 2.2);
    case 5:
      return cmsBuildGamma(nullptr, 2.8);
    case 8:
      return cmsBuildGamma(nullptr, 1);
    case 13:
      return SrgbCurve();
    case 16:
      return Sampled(PqToLight);
    case 18:
      return Sampled(HlgToLight);
    default:
      return nullptr;
  }
}

Profile Cicp(std::string_view data) {
  if (data.size() != 4) return {};
  constexpr char kRgbMatrix = 0, kFullRange = 1;
  if (data[2] != kRgbMatrix || data[3] != kFullRange) return {};
  const Curve curve(CicpCurve(static_cast<unsigned char>(data[1])));
  switch (data[0]) {
    case 1:
      return Rgb(kD65, kBt709, curve);
    case 5:
      return Rgb(kD65, {{0.64, 0.33, 1}, {0.29, 0.60, 1}, {0.15, 0.06, 1}}, curve);
    case 6:
    case 7:
      return Rgb(kD65, {{0.630, 0.340, 1}, {0.310, 0.595, 1}, {0.155, 0.070, 1}}, curve);
    case 9:
      return Rgb(kD65, {{0.708, 0.292, 1}, {0.170, 0.797, 1}, {0.131, 0.046, 1}}, curve);
    case 11:
      return Rgb({0.314, 0.351, 1}, {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}},
                 curve);
    case 12:  // Display P3
      return Rgb(kD65, {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}}, curve);
    default:
      return {};
  }
}

double Fixed(std::string_view data, size_t index) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(data[4 * index + i]);
  }
  return value / 100000.0;
}

Profile Gamma(std::string_view data) {
  if (data.size() != 4 && data.size() != 36) return {};
  const double gamma = Fixed(data, 0);
  if (gamma < 0.05 || gamma > 5) return {};
  // Encoders write 1 / 2.2 for sRGB. libpng too takes what differs by less than 5 % as the same.
  const bool srgb = std::abs(gamma * 2.2 - 1) < 0.05;
  const Curve curve(srgb ? SrgbCurve() : cmsBuildGamma(nullptr, 1 / gamma));
  if (data.size() == 4) return Rgb(kD65, kBt709, curve);
  double number[8];
  for (size_t i = 0; i < 8; ++i) {
    number[i] = Fixed(data, i + 1);
    if (number[i] > 1.5) return {};
  }
  for (const size_t y : {1, 3, 5, 7}) {
    if (number[y] < 0.001) return {};
  }
  return Rgb({number[0], number[1], 1},
             {{number[2], number[3], 1}, {number[4], number[5], 1}, {number[6], number[7], 1}},
             curve);
}

/// Reads the header itself: an unknown number in an enumeration of littlecms has no defined value.
bool IsForPictures(std::string_view profile) {
  constexpr size_t kHeaderSize = 128;
  if (profile.size() < kHeaderSize) return false;
  const std::string_view device = profile.substr(12, 4), space = profile.substr(16, 4);
  return (device == "scnr" || device == "mntr" || device == "prtr" || device == "spac") &&
         (space == "GRAY" || space == "RGB " || space == "CMYK");
}

Profile Icc(std::string_view data) {
  if (data.size() > kMaxProfileBytes || !IsForPictures(data)) return {};
  return Profile(cmsOpenProfileFromMem(data.data(), static_cast<cmsUInt32Number>(data.size())));
}

/// The unpacked bytes; empty when they are damaged, or more than a profile may have.
std::string Inflated(std::string_view packed) {
  std::string unpacked(size_t{128} << 10, '\0');
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  if (inflateInit(&stream) != Z_OK) return {};
  int result = Z_OK;
  while (result == Z_OK) {
    if (stream.total_out == unpacked.size()) {
      if (unpacked.size() >= kMaxProfileBytes) break;
      unpacked.resize(2 * unpacked.size());
    }
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data()) + stream.total_out;
    stream.avail_out = static_cast<uInt>(unpacked.size() - stream.total_out);
    result = inflate(&stream, Z_NO_FLUSH);
  }
  unpacked.resize(result == Z_STREAM_END ? stream.total_out : 0);
  inflateEnd(&stream);
  return unpacked;
}

}  // namespace

Profile ReadProfile(ColourKind kind, std::string_view data) {
  switch (kind) {
    case ColourKind::kSrgb:
      break;
    case ColourKind::kIcc:
      return Icc(data);
    case ColourKind::kDeflatedIcc: {
      // littlecms copies what it reads.
      const std::string unpacked = Inflated(data);
      return Icc(unpacked);
    }
    case ColourKind::kGamma:
      return Gamma(data);
    case ColourKind::kCicp:
      return Cicp(data);
    case ColourKind::kAdobeRgb:
      return Rgb(kD65, {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}},
                 Curve(cmsBuildGamma(nullptr, 563.0 / 256)));
  }
  return {};
}

}  // namespace vico::server
