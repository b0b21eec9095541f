#include "server/pictures/scan/decode_report.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

absl::Status Refusal(const std::string& what) { return absl::InvalidArgumentError(what); }

/// The place in the picture, as ", after row 210 of 480 in scan 2".
std::string Where(const ScannedPicture& picture, const DecodeNotes& notes) {
  const std::string_view part = picture.format == PictureFormat::kPng ? "pass" : "scan";
  const std::string scan = notes.scan > 0 ? fmt::format(" in {} {}", part, notes.scan) : "";
  // libwebp does not say how far it came.
  if (picture.format == PictureFormat::kWebp) return "";
  if (picture.format == PictureFormat::kHeic || picture.format == PictureFormat::kAvif) {
    return fmt::format(" in tile {}", notes.scan);
  }
  return fmt::format(" after row {} of {}{}", notes.row, picture.height, scan);
}

absl::Status Damaged(const ScannedPicture& picture, const DecodeNotes& notes) {
  const std::string_view format = NameOf(picture.format);
  switch (notes.damage) {
    case Damage::kEndsEarly:
      return Refusal(fmt::format("does not decode: the {} data end{}; the file is incomplete",
                                 format, Where(picture, notes)));
    case Damage::kWrongCode:
      return Refusal(
          fmt::format("does not decode: the {} data are damaged{}", format, Where(picture, notes)));
    case Damage::kRestart:
      return Refusal(fmt::format("does not decode: a restart marker of the JPEG is missing{}",
                                 Where(picture, notes)));
    case Damage::kNoTable:
      return Refusal(
          "does not decode: the JPEG lacks a Huffman or quantisation table that its pixels need");
    case Damage::kBadHeader:
      return Refusal(fmt::format("does not decode: the {} header is damaged", format));
    case Damage::kUnknown:
      break;
  }
  return Refusal(fmt::format("does not decode: the {} is damaged{}", format,
                             notes.row > 0 ? Where(picture, notes) : ""));
}

}  // namespace

absl::Status DecodeError(const ScannedPicture& picture, DecodeOutcome outcome,
                         const DecodeNotes& notes) {
  switch (outcome) {
    case DecodeOutcome::kDecoded:
      if (picture.ends_early && (notes.warnings & kCoarse) != 0) {
        return Refusal(
            fmt::format("does not decode: the JPEG data end after scan {}; the file is incomplete",
                        notes.scan));
      }
      return absl::OkStatus();
    case DecodeOutcome::kDamaged:
      return Damaged(picture, notes);
    case DecodeOutcome::kOtherSize:
      return Refusal("does not decode to the size its header gives");
    case DecodeOutcome::kOutOfMemory:
      return Refusal("needs more memory to decode than a picture may take");
  }
  return absl::InternalError("the decoder answered with an unknown outcome");
}

std::vector<PictureWarning> WarningsOf(const ScannedPicture& picture, const DecodeNotes& notes) {
  std::vector<PictureWarning> warnings = picture.warnings;
  const auto has = [&](DecodeWarning warning) { return (notes.warnings & warning) != 0; };
  if (has(kStrayBytes)) {
    warnings.push_back({kPictureDamaged, "the JPEG has stray bytes between its parts"});
  }
  if (has(kOddColourMark)) {
    warnings.push_back({kPictureDamaged,
                        "the JPEG has a colour mark of an unknown value; its "
                        "colours may differ from those of other programs"});
  }
  if (has(kOddProgression)) {
    warnings.push_back({kPictureDamaged, "the JPEG has scans in an unusual order"});
  }
  if (has(kOddPng)) {
    warnings.push_back({kPictureDamaged,
                        "the PNG has parts that break its format; its pixels are "
                        "whole"});
  }
  if (has(kProfileUnusable))
    warnings.push_back(UnusableProfile("it is malformed or of a kind that is not supported"));
  return warnings;
}

}  // namespace vico::server
