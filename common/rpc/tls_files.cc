#include "common/rpc/tls_files.h"

#include <fstream>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/status.h"
#include "common/text/utf8.h"

namespace vico {
namespace {

constexpr std::streamsize kMostBytes = 1 << 20;

absl::Status Bad(const std::string& path, std::string_view what) {
  // OpenSSL keeps a queue of errors per thread; later calls must not find this one.
  ERR_clear_error();
  return absl::FailedPreconditionError(fmt::format("{}: {}", path, what));
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<size_t>(kMostBytes), '\0');
  file.read(text.data(), kMostBytes);
  if (!file.eof()) return Bad(path, "cannot be read");
  text.resize(static_cast<size_t>(file.gcount()));
  const auto decoded = TextOf(path, text);
  if (!decoded.ok()) return absl::FailedPreconditionError(decoded.status().message());
  // gRPC reads some of these files itself, and takes no mark.
  if (decoded->size() != text.size()) {
    return Bad(path, "starts with a byte order mark; save it as UTF-8 without one");
  }
  return text;
}

std::unique_ptr<BIO, decltype(&BIO_free)> Reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

/// The first certificate in the text.
std::unique_ptr<X509, decltype(&X509_free)> FirstCertificate(const std::string& text) {
  return {PEM_read_bio_X509(Reader(text).get(), nullptr, nullptr, nullptr), &X509_free};
}

/// Answers OpenSSL's request for a passphrase with none, instead of a prompt on the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

}  // namespace

absl::StatusOr<TlsPems> ReadTlsFiles(const TlsFiles& files) {
  TlsPems pems;
  if (files.certificate.empty() != files.key.empty()) {
    return absl::FailedPreconditionError("a certificate and its key must be given together");
  }
  if (!files.certificate.empty()) {
    ASSIGN_OR_RETURN(pems.certificate, ReadText(files.certificate));
    const auto certificate = FirstCertificate(pems.certificate);
    if (!certificate) return Bad(files.certificate, "holds no certificate in PEM");
    ASSIGN_OR_RETURN(std::string key_text, ReadText(files.key));
    pems.key = Sensitive(std::move(key_text));
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(Reader(pems.key.Reveal()).get(), nullptr, &NoPassphrase, nullptr),
        &EVP_PKEY_free);
    if (!key) return Bad(files.key, "holds no unencrypted private key in PEM");
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
      return Bad(files.key, fmt::format("is not the key of {}", files.certificate));
    }
  }
  if (!files.ca.empty()) {
    ASSIGN_OR_RETURN(pems.ca, ReadText(files.ca));
    if (!FirstCertificate(pems.ca)) return Bad(files.ca, "holds no certificate in PEM");
  }
  return pems;
}

}  // namespace vico
