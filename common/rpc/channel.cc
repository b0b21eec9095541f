#include "common/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/rpc/address.h"
#include "common/status.h"

namespace vico {

namespace {

constexpr unsigned kReadFilesAgainSeconds = 5;

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const TlsFiles& tls) {
  ASSIGN_OR_RETURN(const TlsPems pems, ReadTlsFiles(tls));
  if (tls.certificate.empty()) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = pems.ca;
    return grpc::SslCredentials(options);
  }
  const auto watcher = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      tls.key, tls.certificate, tls.ca, kReadFilesAgainSeconds);
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(watcher);
  options.watch_identity_key_cert_pairs();
  if (!tls.ca.empty()) options.watch_root_certs();
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls) {
  RETURN_IF_ERROR(CheckAddress(field, address));
  auto credentials = grpc::InsecureChannelCredentials();
  if (!tls.ca.empty() || !tls.certificate.empty() || !IsLoopback(address)) {
    ASSIGN_OR_RETURN(credentials, Credentials(tls));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(8 << 20);
  arguments.SetMaxSendMessageSize(4 << 20);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace vico
