// The keys of objects: {tenant}/{first two digits}/{sha256}/{32 random hexadecimal digits}. A key
// is drawn anew for each upload and never used again, so that a deletion that comes late cannot hit
// a later upload of the same bytes. Keys of servers before schema 12 have no random part.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::server {

/// kInvalidArgument for a tenant that is not [a-z0-9_-]{1,63}.
absl::Status CheckTenantOfBlob(std::string_view tenant);

/// kInvalidArgument for a tenant as above, or a digest that is not 64 lower-case hexadecimal
/// digits; nothing else may become part of a key.
absl::Status CheckBlobName(std::string_view tenant, std::string_view sha256);

/// A new key for bytes with this digest. The arguments must be valid.
std::string NewObjectKey(std::string_view tenant, std::string_view sha256);

/// The parts of a key.
struct ObjectKey {
  std::string tenant;
  std::string sha256;
  std::string random;  ///< empty in old keys
};
absl::StatusOr<ObjectKey> ParseObjectKey(std::string_view key);

}  // namespace vico::server
