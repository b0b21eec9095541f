#include "server/net/connection_limiter.h"

#include <sys/stat.h>

namespace vico::server {
namespace {

// Shortest interval between sweeps before a refusal. A sweep of 4,000 connections takes a
// millisecond.
constexpr std::chrono::milliseconds kSweepInterval{50};

/// The inode of a socket; 0 for anything else.
ino_t SocketInode(int socket) {
  struct stat status {};
  return fstat(socket, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

}  // namespace

std::optional<Refusal> ConnectionLimiter::Admit(const Peer& peer, int socket, Time now) {
  std::optional<Refusal> refused = Refused(peer);
  if (refused && now - swept_ >= kSweepInterval) {
    Sweep(now);
    refused = Refused(peer);
  }
  if (refused) return refused;
  const auto count = counts_.try_emplace(peer.name, 0).first;
  ++count->second;
  connections_.push_back({socket, SocketInode(socket), count});
  return std::nullopt;
}

std::optional<Refusal> ConnectionLimiter::Refused(const Peer& peer) const {
  if (limits_.per_peer > 0 && (limits_.loopback || !peer.loopback) &&
      open(peer.name) >= static_cast<size_t>(limits_.per_peer)) {
    return Refusal::kPeer;
  }
  if (limits_.total > 0 && open() >= static_cast<size_t>(limits_.total)) return Refusal::kTotal;
  return std::nullopt;
}

void ConnectionLimiter::Sweep(Time now) {
  swept_ = now;
  std::erase_if(connections_, [this](const Connection& connection) {
    if (SocketInode(connection.socket) == connection.inode) return false;
    if (--connection.peer->second == 0) counts_.erase(connection.peer);
    return true;
  });
}

size_t ConnectionLimiter::open(const std::string& peer) const {
  const auto found = counts_.find(peer);
  return found == counts_.end() ? 0 : static_cast<size_t>(found->second);
}

}  // namespace vico::server
