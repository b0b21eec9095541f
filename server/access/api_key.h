// The text form of API keys: "vico_{id}_{secret}". The id is public and identifies the key; the
// secret has 256 bits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/crypto/sensitive.h"

namespace vico::server {

struct FreshKey {
  std::string id;      ///< 16 lower-case hexadecimal digits
  Sensitive text;      ///< the whole key
  std::string sha256;  ///< of `text`
};

/// A random key.
FreshKey NewApiKey();

/// The id in `text`; none when `text` is not of that form.
std::optional<std::string> IdOfApiKey(std::string_view text);

/// Whether `sha256` (64 hexadecimal digits) is the digest of `text`. Its time does not depend on
/// the answer.
bool IsKeyWithDigest(std::string_view text, std::string_view sha256);

}  // namespace vico::server
