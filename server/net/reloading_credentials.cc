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
  const bool has_authority = !files.ca.empty();
  ASSIGN_OR_RETURN(TlsFilesWatch watch, TlsFilesWatch::Open(std::move(files), std::move(log)));
  return std::unique_ptr<ReloadingCredentials>(
      new ReloadingCredentials(std::move(watch), has_authority));
}

ReloadingCredentials::ReloadingCredentials(TlsFilesWatch files, bool has_authority)
    : files_(std::move(files)) {
  const auto request = has_authority ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                     : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
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
  MutexLock lock(mutex_);
  switch (files_.Read()) {
    case TlsFilesWatch::Found::kNothingUsable:
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
    case TlsFilesWatch::Found::kUnchanged:
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    case TlsFilesWatch::Found::kNew:
      break;
  }
  const TlsPems& pems = files_.pems();
  const grpc_ssl_pem_key_cert_pair pair{pems.key.Reveal().c_str(), pems.certificate.c_str()};
  // gRPC requires a CA here even if it does not request certificates; it ignores it then.
  const std::string& ca = pems.ca.empty() ? pems.certificate : pems.ca;
  *config = grpc_ssl_server_certificate_config_create(ca.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace vico::server
