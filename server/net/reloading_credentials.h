// TLS credentials of a listener that reads certificate, key and CA again for each handshake. New
// files apply from the next connection on; invalid ones are ignored, and the earlier ones stay in
// use.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include "common/log.h"
#include "common/mutex.h"
#include "common/rpc/tls_files.h"

namespace vico::server {

/// Any thread. TLS 1.2 or newer. With a CA in `files` peers need a certificate of that CA. Must
/// outlive the server that uses it.
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
  Mutex mutex_;
  TlsPems in_use_ ABSL_GUARDED_BY(mutex_);
  bool loaded_ ABSL_GUARDED_BY(mutex_) = false;
  // The error logged last; empty when the files are valid.
  std::string error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::server
