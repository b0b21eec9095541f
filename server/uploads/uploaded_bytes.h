// What uploads of concepts and of single pictures do with a picture's bytes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "server/pictures/intake.h"
#include "server/resources/stores.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// NormalisePicture() in the tenant's turn to decode, for which it waits until `deadline`. Errors:
/// PictureError() with `field`, and those of DecodeQueue::Enter().
absl::StatusOr<NormalisedPicture> NormaliseInTurn(Stores& stores, const std::string& tenant,
                                                  std::chrono::steady_clock::time_point deadline,
                                                  std::string_view field, const std::string& bytes);

/// Whether the tenant's blob is stored and its bytes are sound. Reads all of them.
bool IsIntact(Stores& stores, const std::string& tenant, const v1::BlobRef& blob);

}  // namespace vico::server
