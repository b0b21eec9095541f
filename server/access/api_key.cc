#include "server/access/api_key.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "common/crypto/sha256.h"
#include "common/ids.h"

namespace vico::server {
namespace {

constexpr std::string_view kPrefix = "vico_";
constexpr size_t kIdDigits = 16;
constexpr size_t kSecretDigits = 64;

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

FreshKey NewApiKey() {
  FreshKey key;
  key.id = NewId().substr(0, kIdDigits);
  key.text = Sensitive(fmt::format("{}{}_{}{}", kPrefix, key.id, NewId(), NewId()));
  key.sha256 = Sha256Hex(key.text.Reveal());
  return key;
}

std::optional<std::string> IdOfApiKey(std::string_view text) {
  if (text.size() != kPrefix.size() + kIdDigits + 1 + kSecretDigits) return std::nullopt;
  if (text.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  const std::string_view id = text.substr(kPrefix.size(), kIdDigits);
  const std::string_view rest = text.substr(kPrefix.size() + kIdDigits);
  if (!IsLowerHex(id) || rest[0] != '_' || !IsLowerHex(rest.substr(1))) return std::nullopt;
  return std::string(id);
}

bool IsKeyWithDigest(std::string_view text, std::string_view sha256) {
  const std::string digest = Sha256Hex(text);
  return sha256.size() == digest.size() &&
         CRYPTO_memcmp(digest.data(), sha256.data(), digest.size()) == 0;
}

}  // namespace vico::server
