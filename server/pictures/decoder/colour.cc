#include "server/pictures/decoder/colour.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "server/pictures/decoder/profile.h"

namespace vico::server {
namespace {

uint8_t OverWhite(int value, int alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

uint8_t EightBits(uint8_t sample) { return sample; }
uint8_t EightBits(uint16_t sample) { return static_cast<uint8_t>((sample + 128) / 257); }

bool HasAlpha(Samples samples) {
  return samples == Samples::kBgra || samples == Samples::kGreyAsBgra;
}

/// The samples of a row as littlecms names them. Grey samples are repacked for profiles of RGB.
cmsUInt32Number FormatOf(Samples samples, bool profile_is_grey, bool deep) {
  if (samples == Samples::kInvertedCmyk) return TYPE_CMYK_8_REV;
  if (profile_is_grey) return deep ? TYPE_GRAY_16 : TYPE_GRAY_8;
  if (HasAlpha(samples)) return deep ? TYPE_BGRA_16 : TYPE_BGRA_8;
  return deep ? TYPE_BGR_16 : TYPE_BGR_8;
}

/// Whether the profile is for pictures with these samples.
bool Fits(cmsHPROFILE profile, Samples samples) {
  const cmsColorSpaceSignature space = cmsGetColorSpace(profile);
  if (samples == Samples::kInvertedCmyk) return space == cmsSigCmykData;
  const bool grey = samples == Samples::kGrey || samples == Samples::kGreyAsBgra;
  return space == cmsSigRgbData || (grey && space == cmsSigGrayData);
}

cmsHTRANSFORM Transform(cmsHPROFILE from, cmsUInt32Number format) {
  const Profile srgb(cmsCreate_sRGBProfile());
  if (srgb.get() == nullptr) return nullptr;
  return cmsCreateTransform(from, format, srgb.get(), TYPE_BGR_8, INTENT_RELATIVE_COLORIMETRIC,
                            cmsFLAGS_BLACKPOINTCOMPENSATION);
}

/// Whether the profile of RGB or grey changes no colour of a grid by more than one level.
bool IsSrgb(cmsHPROFILE profile, bool grey) {
  const cmsHTRANSFORM transform = Transform(profile, grey ? TYPE_GRAY_8 : TYPE_BGR_8);
  if (transform == nullptr) return false;
  bool same = true;
  std::array<uint8_t, 3> in{}, out{};
  for (int colour = 0; same && colour < (grey ? 256 : 16 * 16 * 16); ++colour) {
    for (int c = 0; c < 3; ++c) {
      in[static_cast<size_t>(c)] =
          static_cast<uint8_t>(grey ? colour : 17 * (colour >> 4 * c & 15));
    }
    cmsDoTransform(transform, in.data(), out.data(), 1);
    for (size_t c = 0; c < 3; ++c) same = same && std::abs(in[c] - out[c]) <= 1;
  }
  cmsDeleteTransform(transform);
  return same;
}

}  // namespace

ColourConverter::ColourConverter(const DecodeJob& job, Samples samples, bool deep,
                                 DecodeNotes& notes)
    : samples_(samples), deep_(deep) {
  if (job.colour == ColourKind::kSrgb) return;
  const bool cmyk = samples == Samples::kInvertedCmyk;
  // EXIF's mark is for RGB; cameras set it in every file.
  if (job.colour == ColourKind::kAdobeRgb && (cmyk || samples == Samples::kGrey)) return;
  const Profile profile = ReadProfile(job.colour, job.colour_data);
  if (profile.get() != nullptr && Fits(profile.get(), samples)) {
    profile_is_grey_ = cmsGetColorSpace(profile.get()) == cmsSigGrayData;
    if (!cmyk && IsSrgb(profile.get(), profile_is_grey_)) return;
    transform_ = Transform(profile.get(), FormatOf(samples, profile_is_grey_, deep));
  }
  if (transform_ == nullptr) notes.warnings |= kProfileUnusable;
}

ColourConverter::~ColourConverter() {
  if (transform_ != nullptr) cmsDeleteTransform(transform_);
}

void ColourConverter::Convert(const void* row, uint32_t width, uint8_t* bgr) {
  if (deep_) {
    ConvertSamples(static_cast<const uint16_t*>(row), width, bgr);
  } else {
    ConvertSamples(static_cast<const uint8_t*>(row), width, bgr);
  }
}

template <class Sample>
void ColourConverter::ConvertSamples(const Sample* row, uint32_t width, uint8_t* bgr) {
  const auto channels = static_cast<size_t>(SamplesOfPixel(samples_));
  const size_t pixels = width;
  if (transform_ != nullptr) {
    const void* from = row;
    const bool unpack = samples_ == Samples::kGrey && !profile_is_grey_;
    const bool pack = samples_ == Samples::kGreyAsBgra && profile_is_grey_;
    if (unpack || pack) {
      const size_t copies = unpack ? 3 : 1;
      repacked_.resize(pixels * copies);
      auto* to = reinterpret_cast<Sample*>(repacked_.data());
      for (size_t x = 0; x < pixels; ++x) std::fill_n(to + copies * x, copies, row[channels * x]);
      from = to;
    }
    cmsDoTransform(transform_, from, bgr, width);
  } else if (samples_ == Samples::kInvertedCmyk) {
    for (size_t x = 0; x < pixels; ++x) {
      const int black = EightBits(row[4 * x + 3]);
      for (size_t c = 0; c < 3; ++c) {
        bgr[3 * x + 2 - c] =
            static_cast<uint8_t>(black - ((255 - EightBits(row[4 * x + c])) * black >> 8));
      }
    }
  } else {
    for (size_t x = 0; x < pixels; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        bgr[3 * x + c] = EightBits(row[channels * x + (channels == 1 ? 0 : c)]);
      }
    }
  }
  if (!HasAlpha(samples_)) return;
  for (size_t x = 0; x < pixels; ++x) {
    const int alpha = EightBits(row[4 * x + 3]);
    for (size_t c = 0; c < 3; ++c) bgr[3 * x + c] = OverWhite(bgr[3 * x + c], alpha);
  }
}

}  // namespace vico::server
