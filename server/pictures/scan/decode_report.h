// Puts what the decoder noticed about a picture into words.
#pragma once

#include <vector>

#include <absl/status/status.h>

#include "server/pictures/decoder/decode.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {

/// OK for kDecoded, unless the scan found that the file ends early and the notes say that pixels
/// depend on what is missing. Else kInvalidArgument that names the damage and where it is.
absl::Status DecodeError(const ScannedPicture& picture, DecodeOutcome outcome,
                         const DecodeNotes& notes);

/// The warnings about a picture that decoded: those of its scan and those of its notes.
std::vector<PictureWarning> WarningsOf(const ScannedPicture& picture, const DecodeNotes& notes);

}  // namespace vico::server
