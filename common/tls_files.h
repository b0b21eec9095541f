// The PEM files that TLS needs: read and checked before anything speaks with them.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "common/sensitive.h"

namespace vico {

/// Paths; empty: none. `certificate` and `key` come together.
struct TlsFiles {
  std::string certificate{};  ///< ours first, then those between it and its CA
  std::string key{};          ///< of the first certificate
  std::string ca{};           ///< whom we trust to vouch for the other side
};

/// Their content.
struct TlsPems {
  std::string certificate;
  Sensitive key;
  std::string ca;
};

/// kFailedPrecondition, naming the file, when one cannot be read or holds no PEM of its kind, or
/// when the key is not the certificate's.
absl::StatusOr<TlsPems> ReadTlsFiles(const TlsFiles& files);

}  // namespace vico
