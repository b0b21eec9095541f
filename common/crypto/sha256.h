// SHA-256, of one string or of bytes that arrive in pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace vico {

class Sha256 {
 public:
  Sha256();

  void Update(std::string_view bytes);

  /// The digest of all bytes so far, 64 lower-case hexadecimal digits. May be called once.
  std::string HexDigest();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string Sha256Hex(std::string_view bytes);

/// Whether `text` is 64 lower-case hexadecimal digits.
bool IsSha256Hex(std::string_view text);

}  // namespace vico
