#include "server/net/reloading_credentials.h"

#include <string>
#include <utility>

#include <grpc/grpc.h>

#include "common/status.h"

namespace vico::server {
namespace {

/// Gives a C++ server the credentials of gRPC's C interface, which fetch the certificate at each
/// handshake. gRPC's C++ credentials read their files only once.
class FetchingCredentials final : public grpc::ServerCredentials {
 public:
  explicit FetchingCredentials(grpc_server_credentials* credentials) : credentials_(credentials) {}
  ~FetchingCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    // Authenticators in server/access do that.
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ReloadingCredentials>> ReloadingCredentials::Open(TlsFiles files,
                                                                                 Log log) {
  RETURN_IF_ERROR(ReadTlsFiles(files).status());
  return std::unique_ptr<ReloadingCredentials>(
      new ReloadingCredentials(std::move(files), std::move(log)));
}

ReloadingCredentials::ReloadingCredentials(TlsFiles files, Log log)
    : files_(std::move(files)), log_(std::move(log)) {
  const auto request = files_.ca.empty()
                           ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                           : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  credentials_ =
      std::make_shared<FetchingCredentials>(grpc_ssl_server_credentials_create_with_options(
          grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this)));
}

grpc_ssl_certificate_config_reload_status ReloadingCredentials::Fetch(
    void* self, grpc_ssl_server_certificate_config** config) {
  return static_cast<ReloadingCredentials*>(self)->Fetch(config);
}

grpc_ssl_certificate_config_reload_status ReloadingCredentials::Fetch(
    grpc_ssl_server_certificate_config** config) {
  absl::StatusOr<TlsPems> pems = ReadTlsFiles(files_);
  MutexLock lock(mutex_);
  if (!pems.ok()) {
    const std::string error(pems.status().message());
    if (error != error_) {
      log_.Warning("new certificate files are not used", {{"error", error}});
      error_ = error;
    }
    return loaded_ ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED
                   : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
  }
  error_.clear();
  if (loaded_ && pems->certificate == in_use_.certificate &&
      pems->key.Reveal() == in_use_.key.Reveal() && pems->ca == in_use_.ca) {
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  }
  if (loaded_) log_.Info("new certificate files are in use");
  in_use_ = *std::move(pems);
  loaded_ = true;
  const grpc_ssl_pem_key_cert_pair pair{in_use_.key.Reveal().c_str(), in_use_.certificate.c_str()};
  // gRPC requires a CA here even if it does not request certificates; it ignores it then.
  const std::string& ca = in_use_.ca.empty() ? in_use_.certificate : in_use_.ca;
  *config = grpc_ssl_server_certificate_config_create(ca.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace vico::server
