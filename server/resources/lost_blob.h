// The error for stored bytes that are gone: it says whose they are and how they come back.
#pragma once

#include <string_view>

#include <absl/status/status.h>
#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {

/// `status` of opening or reading a blob that `what` references, for example "concepts/1f,
/// pictures[2]". A missing or damaged blob becomes kDataLoss, reason BLOB_LOST; `repair` says what
/// the client can do.
inline absl::Status NameLost(const absl::Status& status, std::string_view what,
                             std::string_view repair) {
  const bool missing = absl::IsNotFound(status) || Reason(status) == "BLOB_MISSING";
  if (!missing && !absl::IsDataLoss(status)) return status;
  return Error(
      absl::StatusCode::kDataLoss,
      fmt::format("{}: the stored bytes are {}; {}", what, missing ? "lost" : "damaged", repair),
      "BLOB_LOST");
}

inline constexpr std::string_view kImportAgain =
    "import the same files again, or use another adapter";
inline constexpr std::string_view kOtherPicture = "start from another picture";
inline constexpr std::string_view kUploadAgain = "upload the same picture again";

}  // namespace vico::server
