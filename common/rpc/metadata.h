// Checks of text that is sent in the metadata of a call. gRPC ends the program for a value with
// other characters than printable ASCII.
#pragma once

#include <string_view>

#include <absl/status/status.h>

#include "common/crypto/sensitive.h"

namespace vico {

/// OK for a key that can be sent: 1 to 1024 characters of a bearer token (RFC 6750: letters, digits
/// and -._~+/=). Else kInvalidArgument that names `field`, where the key came from, but not the
/// key.
absl::Status CheckKey(std::string_view field, const Sensitive& key);

}  // namespace vico
