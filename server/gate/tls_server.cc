#include "server/gate/tls_server.h"

#include <algorithm>
#include <string>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/status.h"

namespace vico::server {
namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// The suites of TLS 1.2 that gRPC offers; those of TLS 1.3 are OpenSSL's.
constexpr char kSuites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384";

int SelectHttp2(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, chosen_size, kHttp2, sizeof(kHttp2), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Answers OpenSSL's request for a passphrase with none, instead of a prompt on the terminal.
int NoSecret(char*, int, int, void*) { return 0; }

std::unique_ptr<BIO, decltype(&BIO_free)> Bytes(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

bool UseChain(SSL_CTX* context, const std::string& pem) {
  const auto text = Bytes(pem);
  const auto next = [&] {
    return std::unique_ptr<X509, decltype(&X509_free)>(
        PEM_read_bio_X509(text.get(), nullptr, &NoSecret, nullptr), &X509_free);
  };
  const auto own = next();
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) return false;
  while (const auto issuer = next()) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) return false;
  }
  return true;
}

bool UseKey(SSL_CTX* context, const std::string& pem) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(Bytes(pem).get(), nullptr, &NoSecret, nullptr), &EVP_PKEY_free);
  return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

/// Null for files that OpenSSL refuses, such as a key that is too short.
ContextPtr MakeContext(const TlsPems& pems) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return context;
  SSL_CTX* const raw = context.get();
  // Nothing is kept of ended sessions, and no client can renegotiate.
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  // A read returns after each message of a handshake. A client that asks for a renegotiation again
  // and again would otherwise keep the thread of all connections in one call.
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_alpn_select_cb(raw, &SelectHttp2, nullptr);
  const bool made = SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1 &&
                    SSL_CTX_set_cipher_list(raw, kSuites) == 1 && UseChain(raw, pems.certificate) &&
                    UseKey(raw, pems.key.Reveal());
  if (!made) context.reset();
  ERR_clear_error();
  return context;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsServer>> TlsServer::Open(TlsFiles files, Log log) {
  const std::string certificate = files.certificate;
  ASSIGN_OR_RETURN(TlsFilesWatch watch, TlsFilesWatch::Open(std::move(files), std::move(log)));
  std::unique_ptr<TlsServer> server(new TlsServer(std::move(watch)));
  if (server->files_.Read() == TlsFilesWatch::Found::kNew) {
    server->context_ = MakeContext(server->files_.pems());
  }
  if (server->context_) return server;
  return absl::FailedPreconditionError(certificate + ": OpenSSL does not use it for TLS");
}

SslPtr TlsServer::Accept(int socket) {
  if (files_.Read() == TlsFilesWatch::Found::kNew) {
    // Files that only OpenSSL refuses leave the earlier ones in use, too.
    if (ContextPtr context = MakeContext(files_.pems())) context_ = std::move(context);
  }
  SslPtr ssl(SSL_new(context_.get()), &SSL_free);
  if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) return {nullptr, &SSL_free};
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace vico::server
