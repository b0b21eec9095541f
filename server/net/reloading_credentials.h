// gRPC's TLS credentials of a listener that reads certificate, key and CA again for each handshake
// (server/gate/tls_files_watch.h).
#pragma once

#include <memory>

#include <absl/status/statusor.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include "common/log.h"
#include "common/mutex.h"
#include "common/rpc/tls_files.h"
#include "server/gate/tls_files_watch.h"

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
  ReloadingCredentials(TlsFilesWatch files, bool has_authority);
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);
  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config);

  std::shared_ptr<grpc::ServerCredentials> credentials_;
  Mutex mutex_;
  TlsFilesWatch files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::server
