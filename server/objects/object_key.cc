#include "server/objects/object_key.h"

#include <algorithm>
#include <vector>

#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/ids.h"
#include "common/status.h"

namespace vico::server {
namespace {

bool IsTenantOfBlob(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool IsRandomPart(std::string_view text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9');
         });
}

}  // namespace

absl::Status CheckTenantOfBlob(std::string_view tenant) {
  if (IsTenantOfBlob(tenant)) return absl::OkStatus();
  return FieldError("tenant", "must be 1 to 63 characters of a-z, 0-9, _ and -");
}

absl::Status CheckBlobName(std::string_view tenant, std::string_view sha256) {
  RETURN_IF_ERROR(CheckTenantOfBlob(tenant));
  if (IsSha256Hex(sha256)) return absl::OkStatus();
  return FieldError("sha256", "must be 64 lower-case hexadecimal digits");
}

std::string NewObjectKey(std::string_view tenant, std::string_view sha256) {
  return fmt::format("{}/{}/{}/{}", tenant, sha256.substr(0, 2), sha256, NewId());
}

absl::StatusOr<ObjectKey> ParseObjectKey(std::string_view key) {
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(key), '/');
  const bool right = (parts.size() == 3 || (parts.size() == 4 && IsRandomPart(parts[3]))) &&
                     IsTenantOfBlob(parts[0]) && IsSha256Hex(parts[2]) &&
                     parts[1] == parts[2].substr(0, 2);
  if (!right) return absl::InvalidArgumentError("object: not a key of this program");
  return ObjectKey{parts[0], parts[2], parts.size() == 4 ? parts[3] : ""};
}

}  // namespace vico::server
