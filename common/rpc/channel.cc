#include "common/rpc/channel.h"

#include <string_view>

#include <fmt/format.h>
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

/// A name with several addresses, as that of a headless Service, means several servers: calls go to
/// all of them in turn. A worker's question for a job goes to the next one when a server ends; its
/// other calls are repeated by the job, which knows how long its lease lasts.
constexpr char kServiceConfig[] = R"json({
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{"service": "vico.v1.WorkerService", "method": "Register"},
             {"service": "vico.v1.WorkerService", "method": "Lease"}],
    "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.05s", "maxBackoff": "1s",
                    "backoffMultiplier": 3, "retryableStatusCodes": ["UNAVAILABLE"]}
  }]
})json";

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

/// The end of "failed to connect …: Connection refused", with the colon.
std::string_view Cause(std::string_view text) {
  const std::size_t at = text.rfind(": ");
  return at == std::string_view::npos ? "" : text.substr(at);
}

/// The text of one address, or of several that take turns.
bool IsFailureToConnect(std::string_view text) {
  return text.find("failed to connect") != std::string_view::npos ||
         text.find("connections to all backends failing") != std::string_view::npos;
}

/// A sentence for what gRPC's text tells about a connection; empty if it tells nothing special.
/// tests/common/rpc/explain_call_test.cc makes each of these errors.
std::string Sentence(std::string_view text, const Peer& peer) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (has("wrong version number") || has("WRONG_VERSION_NUMBER")) {
    return fmt::format(
        "{} does not use TLS, and this program does; a server on this machine without TLS is "
        "http://127.0.0.1:PORT without a CA",
        peer.address);
  }
  // The second is the text for an authority of the same name with another key.
  if (has("certificate verify failed") || has("asn1 encoding routines") ||
      has("CERTIFICATE_VERIFY_FAILED")) {
    return fmt::format(
        "the certificate of {} is not signed by a CA that this program trusts; --ca names the file "
        "of its CA",
        peer.address);
  }
  if (has("Hostname Verification Check failed") || has("Peer name")) {
    return fmt::format("the certificate of {} is for another name; connect to a name in it",
                       peer.address);
  }
  if (has("certificate required") || has("CERTIFICATE_REQUIRED") || has("bad certificate")) {
    return fmt::format("{} requires a certificate of this program, or does not accept it",
                       peer.address);
  }
  if (has("Failed parsing HTTP/2") || has("http1.x server") || has("http1 server")) {
    return fmt::format("{} is a web server of another kind, not a server of Vico", peer.address);
  }
  if (has("Ssl handshake failed")) {
    return fmt::format("the TLS handshake with {} fails{}", peer.address, Cause(text));
  }
  const bool closed = has("Socket closed") || has("Connection reset by peer");
  if (IsFailureToConnect(text) && closed) {
    return fmt::format(
        "{} closes the connection: it may {}", peer.address,
        peer.tls ? "not use TLS; a server on this machine without TLS is http://127.0.0.1:PORT "
                   "without a CA"
                 : "require TLS; write https://HOST:PORT, and --ca with the file of its CA");
  }
  return "";
}

}  // namespace

bool IsFailureToConnect(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable &&
         IsFailureToConnect(ToStd(status.message()));
}

absl::StatusOr<Peer> PeerAt(std::string_view field, const std::string& address,
                            const TlsFiles& tls) {
  ASSIGN_OR_RETURN(const Address parsed, ParseAddress(field, address));
  const bool files = !tls.ca.empty() || !tls.certificate.empty();
  if (parsed.wildcard) {
    return FieldError(field, fmt::format("is an address to listen on; connect to 127.0.0.1 or to "
                                         "the machine's name, got \"{}\"",
                                         address));
  }
  if (parsed.target.ends_with(":0") && !parsed.target.starts_with("unix")) {
    return FieldError(field, fmt::format("must have a port in 1..65535, got \"{}\"", address));
  }
  if (parsed.scheme == Address::Scheme::kPlain && files) {
    return FieldError(field, fmt::format("is without TLS, but a CA or a certificate is given; "
                                         "write https://, got \"{}\"",
                                         address));
  }
  if (parsed.scheme == Address::Scheme::kPlain && !parsed.loopback) {
    return FieldError(field, fmt::format("must not be without TLS, since the connection leaves "
                                         "this machine; write https://, got \"{}\"",
                                         address));
  }
  return Peer{address, parsed.scheme == Address::Scheme::kTls || files || !parsed.loopback};
}

absl::Status ExplainCall(const absl::Status& status, const Peer& peer) {
  const std::string_view text = ToStd(status.message());
  if (!Reason(status).empty()) return status;  // the server's own words
  constexpr std::string_view kHttpStatus = "Received http2 header with status: ";
  if (const std::size_t at = text.find(kHttpStatus); at != std::string_view::npos) {
    return absl::Status(status.code(),
                        fmt::format("{} answers as a web server or a proxy (HTTP "
                                    "status {}), not as a server of Vico",
                                    peer.address, text.substr(at + kHttpStatus.size())));
  }
  if (status.code() == absl::StatusCode::kUnimplemented &&
      (text.empty() || text.starts_with("unknown ") || text.starts_with("Method not found"))) {
    return absl::UnimplementedError(
        fmt::format("{} does not have this method: it may be the other one of the server's two "
                    "listeners (for clients, and for workers and operators), a server of another "
                    "version, or no server of Vico",
                    peer.address));
  }
  if (status.code() != absl::StatusCode::kUnavailable) return status;
  const std::string sentence = Sentence(text, peer);
  if (!sentence.empty()) return absl::UnavailableError(sentence);
  if (!IsFailureToConnect(text)) return status;
  return absl::UnavailableError(fmt::format("cannot connect to {}{}", peer.address, Cause(text)));
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls) {
  ASSIGN_OR_RETURN(const Peer peer, PeerAt(field, address, tls));
  ASSIGN_OR_RETURN(const Address parsed, ParseAddress(field, address));
  auto credentials = grpc::InsecureChannelCredentials();
  if (peer.tls) {
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
  arguments.SetServiceConfigJSON(kServiceConfig);
  return grpc::CreateCustomChannel(parsed.target, credentials, arguments);
}

}  // namespace vico
