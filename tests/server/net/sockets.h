// Clients with plain sockets, for tests.
#pragma once

#include <cerrno>
#include <chrono>
#include <functional>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "server/gate/descriptor.h"

namespace vico::server {

/// Whether `condition` becomes true within ten seconds.
inline bool Soon(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// A connection to 127.0.0.1 from an address of 127.0.0.0/8; none if it is refused or closed before
/// connect() returns.
inline Descriptor Connect(int port, const char* from = "127.0.0.1") {
  Descriptor made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, from, &address.sin_addr);
  if (bind(made.number(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return {};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  address.sin_port = htons(static_cast<in_port_t>(port));
  if (connect(made.number(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return {};
  }
  return made;
}

/// Whether the peer closes the connection within `time_limit`. Discards what it sends.
inline bool IsClosed(const Descriptor& connection,
                     std::chrono::milliseconds time_limit = std::chrono::milliseconds(0)) {
  if (!connection) return true;
  pollfd waiting{connection.number(), POLLIN, 0};
  char bytes[4096];
  while (poll(&waiting, 1, static_cast<int>(time_limit.count())) == 1) {
    const ssize_t got = recv(connection.number(), bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return true;
  }
  return false;
}

}  // namespace vico::server
