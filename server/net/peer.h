// Who is counted together when connections are limited.
#pragma once

#include <string>

#include <sys/socket.h>

namespace vico::server {

struct Peer {
  std::string name;       ///< 203.0.113.7, or of IPv6 the /64, as 2001:db8:0:1::/64
  bool loopback = false;  ///< this machine itself
};

/// An IPv4 address in an IPv6 one counts as what it is. Of another family: a peer without a name.
Peer PeerOf(const sockaddr_storage& address);

}  // namespace vico::server
