// Certificates of a test's own authority, made when the test runs.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace vico {

struct TestIdentity {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM
};

struct TestSubject {
  std::string alternative_names;  ///< as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1,URI:…"
  std::chrono::seconds begins{-60};  ///< from now
  std::chrono::seconds ends{3600};   ///< from now
};

/// What a server on this machine shows.
inline const TestSubject kLocalServer{.alternative_names = "DNS:localhost,IP:127.0.0.1"};

class TestAuthority {
 public:
  TestAuthority();

  /// Its own certificate, PEM.
  const std::string& certificate() const { return certificate_; }

  /// A new key and its certificate.
  TestIdentity Issue(const TestSubject& subject) const;

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> x509_;
  std::string certificate_;
};

/// An identity's two files in a folder: {name}.crt and {name}.key.
void WriteIdentity(const std::string& folder, const std::string& name,
                   const TestIdentity& identity);

}  // namespace vico
