#include "server/gate/peer.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace vico::server {
namespace {

Peer PeerOf(const in_addr& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address, text, sizeof(text));
  return {text, ntohl(address.s_addr) >> 24 == 127};
}

}  // namespace

Peer PeerOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return PeerOf(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  }
  if (address.ss_family != AF_INET6) return {"unix", true};
  in6_addr whole = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&whole)) {
    in_addr inner{};
    std::memcpy(&inner, whole.s6_addr + 12, sizeof(inner));
    return PeerOf(inner);
  }
  const bool loopback = IN6_IS_ADDR_LOOPBACK(&whole);
  std::fill(std::begin(whole.s6_addr) + 8, std::end(whole.s6_addr), 0);  // a customer has a /64
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &whole, text, sizeof(text));
  return {std::string(text) + "/64", loopback};
}

Peer PeerOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return PeerOf(address);
}

}  // namespace vico::server
