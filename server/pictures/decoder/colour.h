// Converts rows of a decoder's samples to 8-bit BGR in sRGB, over white.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

/// How the samples of a pixel are stored.
enum class Samples {
  kGrey,
  kBgr,
  kBgra,
  kGreyAsBgra,    ///< as kBgra; the three colours are equal
  kInvertedCmyk,  ///< as Adobe's programs store it in JPEG
};

constexpr int SamplesOfPixel(Samples samples) {
  return samples == Samples::kGrey ? 1 : samples == Samples::kBgr ? 3 : 4;
}

class ColourConverter {
 public:
  /// For samples of 8 bits, or of 16 in the host's order if `deep`. An unusable profile sets
  /// kProfileUnusable in `notes`; the samples are taken as sRGB then. A profile that changes no
  /// colour by more than one level of 255 is taken as sRGB too. May throw std::bad_alloc.
  ColourConverter(const DecodeJob& job, Samples samples, bool deep, DecodeNotes& notes);
  ~ColourConverter();
  ColourConverter(const ColourConverter&) = delete;
  ColourConverter& operator=(const ColourConverter&) = delete;

  /// `row` has `width` pixels; `bgr` gets three bytes for each.
  void Convert(const void* row, uint32_t width, uint8_t* bgr);

 private:
  template <class Sample>
  void ConvertSamples(const Sample* row, uint32_t width, uint8_t* bgr);

  const Samples samples_;
  const bool deep_;
  bool profile_is_grey_ = false;
  void* transform_ = nullptr;  // of littlecms; null: sRGB
  std::vector<uint16_t>
      repacked_;  // a row in the profile's channels, if those are not the samples'
};

}  // namespace vico::server
