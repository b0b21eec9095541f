// The server's side of TLS for the clients' listener, on OpenSSL. Clients have API keys, so no
// certificate is requested.
#pragma once

#include <memory>

#include <absl/status/statusor.h>
#include <openssl/ssl.h>

#include "common/log.h"
#include "common/rpc/tls_files.h"
#include "server/gate/tls_files_watch.h"

namespace vico::server {

using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

/// TLS 1.2 and 1.3 with ALPN "h2". One thread at a time.
class TlsServer {
 public:
  /// An error of ReadTlsFiles().
  static absl::StatusOr<std::unique_ptr<TlsServer>> Open(TlsFiles files, Log log);

  /// TLS on a connected socket, before its handshake; null without usable files or memory.
  SslPtr Accept(int socket);

 private:
  explicit TlsServer(TlsFilesWatch files) : files_(std::move(files)) {}

  TlsFilesWatch files_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, &SSL_CTX_free};
};

}  // namespace vico::server
