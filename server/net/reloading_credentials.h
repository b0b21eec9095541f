// A listener's TLS. Certificate, key and CA are read again for each handshake, so that new files
// are used from the next connection on; while they are not whole, or do not fit together, the ones
// before stay in use.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <absl/status/statusor.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include "common/log.h"
#include "common/rpc/tls_files.h"

namespace vico::server {

/// TLS 1.2 or newer. With a CA in `files` a peer must show a certificate of that CA. Must outlive
/// the server that listens with it; any thread.
class ReloadingCredentials {
 public:
  /// An error of ReadTlsFiles().
  static absl::StatusOr<std::unique_ptr<ReloadingCredentials>> Open(TlsFiles files, Log log);
  ReloadingCredentials(const ReloadingCredentials&) = delete;
  ReloadingCredentials& operator=(const ReloadingCredentials&) = delete;

  std::shared_ptr<grpc::ServerCredentials> credentials() const { return credentials_; }

 private:
  ReloadingCredentials(TlsFiles files, Log log);
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);
  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config);

  const TlsFiles files_;
  const Log log_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::mutex mutex_;
  // guarded by mutex_
  TlsPems in_use_;
  bool loaded_ = false;
  std::string complaint_;  // as last logged; empty when all is well
};

}  // namespace vico::server
