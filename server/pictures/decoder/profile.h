// The colour profile of a picture, from what its file says about colours. Sources: ICC.1:2022,
// PNG (third edition) 11.3.2, ITU-T H.273, SMPTE ST 2084, ITU-R BT.2100, Adobe RGB (1998).
#pragma once

#include <lcms2.h>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

/// Owns a profile of littlecms.
class Profile {
 public:
  Profile() = default;
  explicit Profile(cmsHPROFILE profile) : profile_(profile) {}
  ~Profile() {
    if (profile_ != nullptr) cmsCloseProfile(profile_);
  }
  Profile(Profile&& other) noexcept : profile_(other.profile_) { other.profile_ = nullptr; }
  Profile& operator=(Profile&&) = delete;

  cmsHPROFILE get() const { return profile_; }

 private:
  cmsHPROFILE profile_ = nullptr;  // null: unusable
};

/// The profile of `kind`, which is not kSrgb, and `data`; null when it is unusable: malformed, too
/// large, or not for pictures.
Profile ReadProfile(ColourKind kind, std::string_view data);

}  // namespace vico::server
