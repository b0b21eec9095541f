// Reads the certificate files of a listener again for each handshake. New files apply from the next
// connection on; invalid ones are ignored, and the earlier ones stay in use.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/log.h"
#include "common/rpc/tls_files.h"

namespace vico::server {

/// One thread at a time.
class TlsFilesWatch {
 public:
  enum class Found { kNew, kUnchanged, kNothingUsable };

  /// An error of ReadTlsFiles().
  static absl::StatusOr<TlsFilesWatch> Open(TlsFiles files, Log log);

  /// kNothingUsable only before the first kNew.
  Found Read();
  const TlsPems& pems() const { return pems_; }  ///< after the first kNew

 private:
  TlsFilesWatch(TlsFiles files, Log log) : files_(std::move(files)), log_(std::move(log)) {}

  TlsFiles files_;
  Log log_;
  TlsPems pems_;
  bool loaded_ = false;
  std::string error_;  // logged last; empty when the files are valid
};

}  // namespace vico::server
