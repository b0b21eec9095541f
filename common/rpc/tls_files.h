// Reads and checks the PEM files of a TLS endpoint before it uses them.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "common/crypto/sensitive.h"

namespace vico {

/// Paths; empty: none. `certificate` and `key` are set together.
struct TlsFiles {
  std::string certificate{};  ///< of this program, followed by intermediate certificates
  std::string key{};          ///< private key of the first certificate
  std::string ca{};           ///< certificates that the peer's must be signed by
};

/// Their content.
struct TlsPems {
  std::string certificate;
  Sensitive key;
  std::string ca;
};

/// kFailedPrecondition that names the file if it cannot be read or has no PEM of its kind, or if
/// the key does not belong to the certificate.
absl::StatusOr<TlsPems> ReadTlsFiles(const TlsFiles& files);

}  // namespace vico
