#include "server/gate/peer_name.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/crypto/random_bits.h"

namespace vico::server {
namespace {

constexpr std::string_view kMark = "vico-gate-";

/// Unique on this machine: abstract names are shared by all programs of a network namespace.
std::string UniqueNumber() {
  static const uint64_t program = RandomBits();
  static std::atomic<uint64_t> next{0};
  return fmt::format("{:016x}-{}", program, next.fetch_add(1));
}

}  // namespace

std::string PeerUri(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size);
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return fmt::format("ipv4:{}:{}", text, ntohs(v4.sin_port));
  }
  if (address.ss_family != AF_INET6) return "unix:";
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof(text));
    return fmt::format("ipv4:{}:{}", text, ntohs(v6.sin6_port));
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  return fmt::format("ipv6:[{}]:{}", text, ntohs(v6.sin6_port));
}

void NameAfterPeer(int socket, const std::string& peer_uri) {
  const std::string name = fmt::format("{}{}/{}", kMark, UniqueNumber(), peer_uri);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The first byte, 0, makes the name abstract.
  const size_t size = std::min(name.size(), sizeof(address.sun_path) - 1);
  std::memcpy(address.sun_path + 1, name.data(), size);
  // Without a name, gRPC does not know the peer; nothing else depends on it.
  std::ignore = bind(socket, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size));
}

std::string PeerOfCall(std::string_view grpc_peer) {
  const size_t mark = grpc_peer.find(kMark);
  if (mark == std::string_view::npos) return std::string(grpc_peer);
  const size_t slash = grpc_peer.find('/', mark);
  return std::string(slash == std::string_view::npos ? "unix:" : grpc_peer.substr(slash + 1));
}

}  // namespace vico::server
