// A non-blocking byte stream: a socket, in plain text or with TLS on it.
#pragma once

#include <cstddef>
#include <string_view>

#include "server/gate/descriptor.h"
#include "server/gate/tls_server.h"

namespace vico::server {

/// One thread at a time.
class ByteStream {
 public:
  explicit ByteStream(Descriptor socket, SslPtr tls = {nullptr, &SSL_free})
      : socket_(std::move(socket)), tls_(std::move(tls)) {}
  ByteStream() = default;

  enum class Progress { kDone, kBlocked, kEnded };

  /// Completes the handshake of TLS. Without TLS it is done at once.
  Progress Handshake();

  /// kDone: `size` bytes were read, at least 1.
  Progress Read(char* bytes, size_t capacity, size_t& size);
  /// Removes what it wrote from `bytes`. kDone: all of them.
  Progress Write(std::string_view& bytes);
  /// Tells the peer that nothing follows.
  void End();

  int number() const { return socket_.number(); }
  explicit operator bool() const { return static_cast<bool>(socket_); }
  /// What a blocked call of TLS waits for; may differ from the direction of the call.
  bool tls_waits_to_write() const { return tls_waits_to_write_; }
  void Close();

 private:
  Progress TlsResult(int result);

  Descriptor socket_;
  SslPtr tls_{nullptr, &SSL_free};
  bool tls_waits_to_write_ = false;
  bool broken_ = false;  // TLS has ended
};

}  // namespace vico::server
