// API keys as text: "vico_{id}_{secret}". The id is public and finds the key; the secret's 256 bits
// prove it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/sensitive.h"

namespace vico::server {

struct FreshKey {
  std::string id;  ///< 16 lower-case hexadecimal digits
  Sensitive text;  ///< all of it, to be shown once
  std::string sha256;
};

/// A key nobody can guess.
FreshKey NewApiKey();

/// The id in the text of a key; none when that is no key's text.
std::optional<std::string> IdOfApiKey(std::string_view text);

/// Whether the text's SHA-256 is `sha256` (64 hexadecimal digits). Takes the same time whatever the
/// answer.
bool IsKeyWithDigest(std::string_view text, std::string_view sha256);

}  // namespace vico::server
