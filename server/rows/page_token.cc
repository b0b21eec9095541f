#include "server/rows/page_token.h"

#include <array>
#include <charconv>
#include <limits>
#include <memory>
#include <new>

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "common/crypto/random_bits.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kMaxTokenBytes = 512;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* In(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Out(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
int Length(std::string_view bytes) { return static_cast<int>(bytes.size()); }

/// With the right arguments these calls of OpenSSL fail only without memory.
void MustBeOne(int result) {
  if (result != 1) throw std::bad_alloc();
}

Cipher NewCipher() {
  Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  if (cipher == nullptr) throw std::bad_alloc();
  return cipher;
}

std::string NewNonce() {
  const std::array<uint64_t, 2> bits{RandomBits(), RandomBits()};
  static_assert(sizeof(bits) >= kNonceBytes);
  return {reinterpret_cast<const char*>(bits.data()), kNonceBytes};
}

/// What a token is bound to.
std::string Bound(const PageScope& scope) {
  return fmt::format("{}\n{}", scope.list, scope.tenant);
}

absl::Status NotOurs() {
  return FieldError("page_token",
                    "must be empty or the next_page_token of an earlier answer of the same list");
}

absl::StatusOr<std::string> Key(SqlSession& db) {
  std::string key;
  RETURN_IF_ERROR(
      db.Query("SELECT value FROM secret WHERE name = 'page_tokens'", {}, [&](const SqlRow& row) {
        key = row.Text(0);
        return absl::OkStatus();
      }));
  if (key.size() == kKeyBytes) return key;
  return absl::DataLossError("database: the key of page tokens cannot be read");
}

}  // namespace

std::string SealPageToken(std::string_view key, const PageScope& scope, std::string_view last) {
  const std::string nonce = NewNonce();
  std::string sealed(last.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const std::string bound = Bound(scope);
  const Cipher cipher = NewCipher();
  int length = 0;
  MustBeOne(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, In(key), In(nonce)));
  MustBeOne(EVP_EncryptUpdate(cipher.get(), nullptr, &length, In(bound), Length(bound)));
  MustBeOne(EVP_EncryptUpdate(cipher.get(), Out(sealed), &length, In(last), Length(last)));
  MustBeOne(EVP_EncryptFinal_ex(cipher.get(), Out(tag), &length));
  MustBeOne(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()));
  return std::string(absl::WebSafeBase64Escape(nonce + sealed + tag));
}

absl::StatusOr<std::string> OpenPageToken(std::string_view key, const PageScope& scope,
                                          std::string_view token) {
  std::string bytes;
  if (token.size() > kMaxTokenBytes || !absl::WebSafeBase64Unescape(ToAbsl(token), &bytes) ||
      bytes.size() < kNonceBytes + kTagBytes) {
    return NotOurs();
  }
  const std::string_view nonce = std::string_view(bytes).substr(0, kNonceBytes);
  std::string tag = bytes.substr(bytes.size() - kTagBytes);
  const std::string_view sealed =
      std::string_view(bytes).substr(kNonceBytes, bytes.size() - kNonceBytes - kTagBytes);
  const std::string bound = Bound(scope);
  std::string last(sealed.size(), '\0');
  const Cipher cipher = NewCipher();
  int length = 0;
  MustBeOne(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, In(key), In(nonce)));
  MustBeOne(EVP_DecryptUpdate(cipher.get(), nullptr, &length, In(bound), Length(bound)));
  MustBeOne(EVP_DecryptUpdate(cipher.get(), Out(last), &length, In(sealed), Length(sealed)));
  MustBeOne(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()));
  std::string rest(kTagBytes, '\0');
  if (EVP_DecryptFinal_ex(cipher.get(), Out(rest), &length) != 1) return NotOurs();
  return last;
}

absl::StatusOr<std::string> PageToken(SqlSession& db, const PageScope& scope,
                                      std::string_view last) {
  ASSIGN_OR_RETURN(const std::string key, Key(db));
  return SealPageToken(key, scope, last);
}

absl::StatusOr<std::string> LastOfPage(SqlSession& db, const PageScope& scope,
                                       std::string_view token) {
  if (token.empty()) return std::string();
  ASSIGN_OR_RETURN(const std::string key, Key(db));
  return OpenPageToken(key, scope, token);
}

absl::StatusOr<std::string> PageToken(SqlSession& db, const PageScope& scope, int64_t last_number) {
  // All numbers have the same length, and so have all tokens.
  return PageToken(db, scope, std::string_view(fmt::format("{:019}", last_number)));
}

absl::StatusOr<int64_t> BelowNumber(SqlSession& db, const PageScope& scope,
                                    std::string_view token) {
  if (token.empty()) return std::numeric_limits<int64_t>::max();
  ASSIGN_OR_RETURN(const std::string last, LastOfPage(db, scope, token));
  int64_t number = 0;
  const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), number);
  if (error != std::errc() || end != last.data() + last.size() || number <= 0) return NotOurs();
  return number;
}

}  // namespace vico::server
