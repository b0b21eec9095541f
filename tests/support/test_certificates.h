// A certificate authority for tests. It creates keys and certificates when the test runs.
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
  std::string alternative_names;     ///< in OpenSSL's syntax: "DNS:localhost,IP:127.0.0.1,URI:…"
  std::chrono::seconds begins{-60};  ///< from now
  std::chrono::seconds ends{3600};   ///< from now
};

/// The subject of a server on this machine.
inline const TestSubject kLocalServer{.alternative_names = "DNS:localhost,IP:127.0.0.1"};

class TestAuthority {
 public:
  TestAuthority();

  /// The certificate of the authority, PEM.
  const std::string& certificate() const { return certificate_; }

  /// A new key and its certificate.
  TestIdentity Issue(const TestSubject& subject) const;

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> x509_;
  std::string certificate_;
};

/// Writes {name}.crt and {name}.key to a folder.
void WriteIdentity(const std::string& folder, const std::string& name,
                   const TestIdentity& identity);

}  // namespace vico
