// The peer of a connection, by which connections are limited.
#pragma once

#include <string>

#include <sys/socket.h>

namespace vico::server {

struct Peer {
  std::string name;       ///< 203.0.113.7, or of IPv6 the /64, as 2001:db8:0:1::/64
  bool loopback = false;  ///< on this machine
};

/// An IPv4-mapped IPv6 address counts as IPv4. All peers of Unix sockets are one, "unix".
Peer PeerOf(const sockaddr_storage& address);

/// The peer of a connected socket.
Peer PeerOf(int socket);

}  // namespace vico::server
