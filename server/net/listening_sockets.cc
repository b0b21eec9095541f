#include "server/net/listening_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr int kTriesForAFreePort = 8;
// Time after which a connection ends if the peer does not acknowledge data.
constexpr int kSilenceMs = 20'000;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  bool operator==(const SocketAddress& other) const {
    return size == other.size && std::memcmp(&storage, &other.storage, size) == 0;
  }
  in_port_t& port() {
    return storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                         : reinterpret_cast<sockaddr_in&>(storage).sin_port;
  }
};

absl::Status CannotListen(const std::string& address, const char* why) {
  return absl::UnavailableError(fmt::format("cannot listen on {}: {}", address, why));
}

SocketAddress Wildcard(int family) {
  SocketAddress any;
  any.storage.ss_family = static_cast<sa_family_t>(family);
  any.size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  return any;
}

bool IsWildcard(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr.s_addr == INADDR_ANY;
  }
  return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr);
}

absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &list);
  if (failed != 0) return CannotListen(address, gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<SocketAddress> all;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    SocketAddress one;
    std::memcpy(&one.storage, each->ai_addr, each->ai_addrlen);
    one.size = each->ai_addrlen;
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  }
  return all;
}

bool Set(int socket, int level, int option, int value) {
  return setsockopt(socket, level, option, &value, sizeof(value)) == 0;
}

/// Empty on failure, with the reason in errno. Accepted sockets inherit the options.
Descriptor ListenAt(const SocketAddress& address) {
  const int family = address.storage.ss_family;
  Descriptor made(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return made;
  const int number = made.number();
  const bool open =
      (family != AF_INET6 || Set(number, IPPROTO_IPV6, IPV6_V6ONLY, !IsWildcard(address))) &&
      Set(number, SOL_SOCKET, SO_REUSEADDR, 1) && Set(number, IPPROTO_TCP, TCP_NODELAY, 1) &&
      Set(number, IPPROTO_TCP, TCP_USER_TIMEOUT, kSilenceMs) &&
      bind(number, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 &&
      listen(number, SOMAXCONN) == 0;
  if (open) return made;
  const int why = errno;
  made.Close();
  errno = why;
  return Descriptor();
}

/// Whether `error` means that the machine has no such address or address family.
bool IsNotHere(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

in_port_t PortOf(int socket) {
  SocketAddress bound;
  bound.size = sizeof(bound.storage);
  getsockname(socket, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  return bound.port();
}

/// Opens all addresses at one port, without those that the machine does not have. Empty on failure,
/// with the reason in errno.
ListeningSockets ListenAtAll(std::vector<SocketAddress> addresses) {
  ListeningSockets all;
  int why = EADDRNOTAVAIL;
  in_port_t port = 0;
  for (SocketAddress& address : addresses) {
    if (address.port() == 0) address.port() = port;
    Descriptor made = ListenAt(address);
    if (!made) {
      why = errno;
      if (IsNotHere(why)) continue;
      all.sockets.clear();
      break;
    }
    port = PortOf(made.number());
    all.port = ntohs(port);
    all.sockets.push_back(std::move(made));
  }
  errno = why;
  return all;
}

}  // namespace

absl::StatusOr<ListeningSockets> OpenListeningSockets(const std::string& address) {
  if (IsUnixAddress(address)) {
    ASSIGN_OR_RETURN(UnixSocket opened, OpenUnixSocket(address));
    ListeningSockets found;
    found.sockets.push_back(std::move(opened.socket));
    found.file = std::move(opened.file);
    return found;
  }
  ASSIGN_OR_RETURN(std::vector<SocketAddress> addresses, Resolve(address));
  if (addresses.empty()) return CannotListen(address, "no such address");
  if (IsWildcard(addresses.front())) {
    // One socket for IPv6 and IPv4, or for IPv4 only where there is no IPv6.
    const in_port_t port = addresses.front().port();
    for (const int family : {AF_INET6, AF_INET}) {
      SocketAddress any = Wildcard(family);
      any.port() = port;
      ListeningSockets found = ListenAtAll({any});
      if (!found.sockets.empty()) return found;
      if (!IsNotHere(errno)) break;
    }
    return CannotListen(address, std::strerror(errno));
  }
  // A port that is free at one address of a name may be in use at the next.
  const int tries = addresses.front().port() == 0 ? kTriesForAFreePort : 1;
  for (int i = 0; i < tries; ++i) {
    ListeningSockets found = ListenAtAll(addresses);
    if (!found.sockets.empty()) return found;
    if (errno != EADDRINUSE) break;
  }
  return CannotListen(address, std::strerror(errno));
}

}  // namespace vico::server
