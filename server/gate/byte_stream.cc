#include "server/gate/byte_stream.h"

#include <cerrno>

#include <openssl/err.h>
#include <sys/socket.h>

namespace vico::server {
namespace {

ByteStream::Progress SocketError() {
  const bool blocked = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return blocked ? ByteStream::Progress::kBlocked : ByteStream::Progress::kEnded;
}

}  // namespace

ByteStream::Progress ByteStream::Handshake() {
  if (!tls_) return Progress::kDone;
  ERR_clear_error();
  const int result = SSL_accept(tls_.get());
  if (result != 1) return TlsResult(result);
  tls_waits_to_write_ = false;
  // Clients that do not speak of HTTP/2 at all speak something else.
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls_.get(), &protocol, &size);
  return size == 0 ? Progress::kEnded : Progress::kDone;
}

ByteStream::Progress ByteStream::Read(char* bytes, size_t capacity, size_t& size) {
  if (tls_) {
    ERR_clear_error();
    tls_waits_to_write_ = false;
    const int result = SSL_read_ex(tls_.get(), bytes, capacity, &size);
    return result == 1 ? Progress::kDone : TlsResult(result);
  }
  const ssize_t got = recv(socket_.number(), bytes, capacity, MSG_DONTWAIT);
  if (got < 0) return SocketError();
  size = static_cast<size_t>(got);
  return got == 0 ? Progress::kEnded : Progress::kDone;
}

ByteStream::Progress ByteStream::Write(std::string_view& bytes) {
  if (broken_) return Progress::kEnded;
  while (!bytes.empty()) {
    size_t written = 0;
    if (tls_) {
      ERR_clear_error();
      const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written);
      if (result != 1) return TlsResult(result);
    } else {
      const ssize_t sent =
          send(socket_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) return SocketError();
      written = static_cast<size_t>(sent);
    }
    bytes.remove_prefix(written);
  }
  return Progress::kDone;
}

void ByteStream::End() {
  if (!socket_) return;
  // After a fatal error TLS must not be used again.
  if (tls_ && !broken_ && SSL_is_init_finished(tls_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  shutdown(socket_.number(), SHUT_WR);
}

void ByteStream::Close() {
  tls_.reset();
  socket_.Close();
}

ByteStream::Progress ByteStream::TlsResult(int result) {
  const int error = SSL_get_error(tls_.get(), result);
  tls_waits_to_write_ = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Progress::kBlocked;
  ERR_clear_error();
  broken_ = true;
  return Progress::kEnded;
}

}  // namespace vico::server
