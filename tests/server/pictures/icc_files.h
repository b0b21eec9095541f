// ICC profiles written by hand, and pictures that carry them. Source: ICC.1:2022; the older tables
// and versions are those of ICC.1:2001-04.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/pictures/png_files.h"

namespace vico::server {

using Matrix = std::array<std::array<double, 3>, 3>;

inline Matrix Times(const Matrix& a, const Matrix& b) {
  Matrix product{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      for (size_t k = 0; k < 3; ++k) product[i][j] += a[i][k] * b[k][j];
    }
  }
  return product;
}

inline std::array<double, 3> Times(const Matrix& a, const std::array<double, 3>& v) {
  std::array<double, 3> product{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 3; ++k) product[i] += a[i][k] * v[k];
  }
  return product;
}

inline Matrix Inverse(const Matrix& m) {
  Matrix inverse{};
  double determinant = 0;
  for (size_t i = 0; i < 3; ++i) {
    determinant +=
        m[0][i] * (m[1][(i + 1) % 3] * m[2][(i + 2) % 3] - m[1][(i + 2) % 3] * m[2][(i + 1) % 3]);
  }
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      inverse[j][i] = (m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3] -
                       m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3]) /
                      determinant;
    }
  }
  return inverse;
}

/// x and y of white, red, green and blue.
using Primaries = std::array<std::array<double, 2>, 4>;
inline constexpr Primaries kSrgbPrimaries{
    {{0.3127, 0.3290}, {0.64, 0.33}, {0.30, 0.60}, {0.15, 0.06}}};
inline constexpr Primaries kP3Primaries{
    {{0.3127, 0.3290}, {0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}};
inline constexpr Primaries kAdobePrimaries{
    {{0.3127, 0.3290}, {0.64, 0.33}, {0.21, 0.71}, {0.15, 0.06}}};

inline std::array<double, 3> XyzOf(const std::array<double, 2>& xy) {
  return {xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]};
}

/// From linear RGB to XYZ, in which white has Y = 1.
inline Matrix ToXyz(const Primaries& primaries) {
  Matrix columns{};
  for (size_t c = 0; c < 3; ++c) {
    const auto xyz = XyzOf(primaries[c + 1]);
    for (size_t i = 0; i < 3; ++i) columns[i][c] = xyz[i];
  }
  const auto scale = Times(Inverse(columns), XyzOf(primaries[0]));
  for (auto& row : columns) {
    for (size_t c = 0; c < 3; ++c) row[c] *= scale[c];
  }
  return columns;
}

inline double SrgbToLight(double v) {
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}
inline double LightToSrgb(double v) {
  v = std::min(1.0, std::max(0.0, v));
  return v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
}

/// 8-bit sRGB of linear light in a space with these primaries and the white of sRGB.
inline std::array<int, 3> SrgbOf(const Primaries& primaries, const std::array<double, 3>& light) {
  const Matrix matrix = Times(Inverse(ToXyz(kSrgbPrimaries)), ToXyz(primaries));
  const auto linear = Times(matrix, light);
  std::array<int, 3> rgb{};
  for (size_t c = 0; c < 3; ++c)
    rgb[c] = static_cast<int>(std::lround(255 * LightToSrgb(linear[c])));
  return rgb;
}

inline std::string BigEndian16(uint32_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
inline std::string Fixed16(double value) {
  return BigEndian32(static_cast<uint32_t>(std::lround(value * 65536)));
}
inline std::string XyzTag(const std::array<double, 3>& xyz) {
  return std::string("XYZ \0\0\0\0", 8) + Fixed16(xyz[0]) + Fixed16(xyz[1]) + Fixed16(xyz[2]);
}
inline std::string GammaTag(double gamma) {
  std::string tag("curv\0\0\0\0\0\0\0\1", 12);
  tag += BigEndian16(static_cast<uint32_t>(std::lround(gamma * 256)));
  tag.append(2, '\0');
  return tag;
}
/// The curve of sRGB as version 4 has it.
inline std::string SrgbCurveTag() {
  std::string tag("para\0\0\0\0\0\3\0\0", 12);
  for (const double v : {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}) tag += Fixed16(v);
  return tag;
}

/// `space` as "RGB ", `connection` as "XYZ ", `device` as "mntr".
inline std::string IccFile(uint32_t version, const std::string& device, const std::string& space,
                           const std::string& connection,
                           const std::vector<std::pair<std::string, std::string>>& tags) {
  std::string table = BigEndian32(static_cast<uint32_t>(tags.size()));
  std::string data;
  const size_t start = 128 + 4 + 12 * tags.size();
  for (const auto& [name, tag] : tags) {
    table += name + BigEndian32(static_cast<uint32_t>(start + data.size())) +
             BigEndian32(static_cast<uint32_t>(tag.size()));
    data += tag + std::string((4 - tag.size() % 4) % 4, '\0');
  }
  const std::string body = table + data;
  std::string header = BigEndian32(static_cast<uint32_t>(128 + body.size())) +
                       std::string(4, '\0') + BigEndian32(version << 24) + device + space +
                       connection + std::string(12, '\0') + "acsp" + std::string(28, '\0') +
                       Fixed16(0.9642) + Fixed16(1) + Fixed16(0.8249);
  header.resize(128, '\0');
  return header + body;
}

/// A profile of RGB from its primaries; `curve` is a tag.
inline std::string RgbProfile(const Primaries& primaries, const std::string& curve,
                              uint32_t version = 2) {
  // Bradford's adaptation of white to D50.
  const Matrix cones{
      {{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}};
  const std::array<double, 3> d50{0.9642, 1, 0.8249};
  const auto from = Times(cones, XyzOf(primaries[0]));
  const auto to = Times(cones, d50);
  Matrix scale{};
  for (size_t i = 0; i < 3; ++i) scale[i][i] = to[i] / from[i];
  const Matrix adapted = Times(Times(Times(Inverse(cones), scale), cones), ToXyz(primaries));
  const auto column = [&](size_t c) {
    return XyzTag({adapted[0][c], adapted[1][c], adapted[2][c]});
  };
  return IccFile(version, "mntr", "RGB ", "XYZ ",
                 {{"wtpt", XyzTag(d50)},
                  {"rXYZ", column(0)},
                  {"gXYZ", column(1)},
                  {"bXYZ", column(2)},
                  {"rTRC", curve},
                  {"gTRC", curve},
                  {"bTRC", curve}});
}

inline std::string P3Profile() { return RgbProfile(kP3Primaries, SrgbCurveTag(), 4); }

inline std::string GreyProfile(double gamma) {
  return IccFile(2, "mntr", "GRAY", "XYZ ",
                 {{"wtpt", XyzTag({0.9642, 1, 0.8249})}, {"kTRC", GammaTag(gamma)}});
}

/// A profile of CMYK in which one ink alone, and none, have the given colours in L* a* b*; more
/// inks are black.
inline std::string CmykProfile() {
  std::string table("mft1\0\0\0\0\4\3\2\0", 12);
  for (size_t i = 0; i < 9; ++i) table += Fixed16(i % 4 == 0 ? 1 : 0);
  std::string ramp;
  for (int i = 0; i < 256; ++i) ramp += static_cast<char>(i);
  for (int i = 0; i < 4; ++i) table += ramp;
  const auto lab = [](double l, double a, double b) {
    return std::string{static_cast<char>(std::lround(l * 2.55)),
                       static_cast<char>(std::lround(a + 128)),
                       static_cast<char>(std::lround(b + 128))};
  };
  for (int corner = 0; corner < 16; ++corner) {  // cyan varies slowest
    table += corner == 0   ? lab(100, 0, 0)
             : corner == 8 ? lab(60, -30, -40)
             : corner == 4 ? lab(50, 60, 0)
             : corner == 2 ? lab(90, -5, 80)
                           : lab(0, 0, 0);
  }
  for (int i = 0; i < 3; ++i) table += ramp;
  return IccFile(2, "prtr", "CMYK", "Lab ",
                 {{"wtpt", XyzTag({0.9642, 1, 0.8249})}, {"A2B0", table}, {"A2B1", table}});
}

/// `jpeg` with the profile split over `parts` segments.
inline std::string WithProfile(std::string jpeg, const std::string& profile, size_t parts) {
  const size_t piece = (profile.size() + parts - 1) / parts;
  for (size_t i = parts; i > 0; --i) {  // each goes before the others
    const std::string numbers{static_cast<char>(i), static_cast<char>(parts)};
    jpeg = WithSegment(
        jpeg, 0xe2,
        std::string("ICC_PROFILE\0", 12) + numbers + profile.substr((i - 1) * piece, piece));
  }
  return jpeg;
}

/// `png` with the profile in an iCCP chunk.
inline std::string WithPngProfile(const std::string& png, const std::string& profile) {
  std::string packed(compressBound(profile.size()), '\0');
  uLongf size = packed.size();
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &size,
               reinterpret_cast<const Bytef*>(profile.data()), profile.size()) != Z_OK) {
    std::abort();
  }
  return WithChunk(png, "iCCP", std::string("name\0\0", 6) + packed.substr(0, size));
}

/// An EXIF block, little-endian, that marks Adobe RGB: by ColorSpace 2, or by the index R03.
inline std::string AdobeRgbExif(bool by_index) {
  const auto entry = [](int tag, int type, uint32_t count, uint32_t value) {
    std::string bytes{static_cast<char>(tag & 0xff), static_cast<char>(tag >> 8),
                      static_cast<char>(type), '\0'};
    for (const uint32_t number : {count, value}) {
      for (int shift = 0; shift < 32; shift += 8)
        bytes += static_cast<char>(number >> shift & 0xff);
    }
    return bytes;
  };
  const auto directory = [](const std::vector<std::string>& entries) {
    std::string bytes{static_cast<char>(entries.size()), '\0'};
    for (const std::string& one : entries) bytes += one;
    return bytes + std::string(4, '\0');
  };
  constexpr int kAscii = 2, kShort = 3, kLong = 4;
  // The directories lie one after another: of 18, 30 and 18 bytes.
  std::string tiff("II*\0\x08\0\0\0", 8);
  tiff += directory({entry(0x8769, kLong, 1, 26)});
  tiff += directory({entry(0xa001, kShort, 1, by_index ? 0xffff : 2), entry(0xa005, kLong, 1, 56)});
  tiff += directory({entry(0x0001, kAscii, 4, 'R' | '0' << 8 | '3' << 16)});
  return std::string("Exif\0\0", 6) + tiff;
}

}  // namespace vico::server
