#include "tests/support/test_certificates.h"

#include <cstdlib>
#include <fstream>
#include <random>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace vico {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Key NewKey() {
  Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  if (!key) std::abort();
  return key;
}

template <typename Write>
std::string Pem(const Write& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  if (!out || write(out.get()) != 1) std::abort();
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  return Pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), &X509_EXTENSION_free);
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) std::abort();
}

/// An unsigned certificate.
Certificate Blank(EVP_PKEY* key, const std::string& name, const TestSubject& subject) {
  Certificate certificate(X509_new(), &X509_free);
  std::random_device random;
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), static_cast<long>(random() >> 1));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), subject.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), subject.ends.count());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

}  // namespace

TestAuthority::TestAuthority()
    : key_(NewKey()), x509_(Blank(key_.get(), "vico test authority", {})) {
  X509_set_issuer_name(x509_.get(), X509_get_subject_name(x509_.get()));
  AddExtension(x509_.get(), x509_.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(x509_.get(), x509_.get(), NID_key_usage, "critical,keyCertSign");
  AddExtension(x509_.get(), x509_.get(), NID_subject_key_identifier, "hash");
  if (X509_sign(x509_.get(), key_.get(), EVP_sha256()) == 0) std::abort();
  certificate_ = PemOf(x509_.get());
}

TestIdentity TestAuthority::Issue(const TestSubject& subject) const {
  const Key key = NewKey();
  const Certificate certificate = Blank(key.get(), "vico test", subject);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(x509_.get()));
  if (!subject.alternative_names.empty()) {
    AddExtension(certificate.get(), x509_.get(), NID_subject_alt_name, subject.alternative_names);
  }
  if (X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0) std::abort();
  return {PemOf(certificate.get()), Pem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

void WriteIdentity(const std::string& folder, const std::string& name,
                   const TestIdentity& identity) {
  std::ofstream(folder + "/" + name + ".crt") << identity.certificate;
  std::ofstream(folder + "/" + name + ".key") << identity.key;
}

}  // namespace vico
