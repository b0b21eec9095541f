// Counts the open connections of each peer. gRPC does not report when it closes a connection, so
// the limiter checks whether the descriptor still belongs to the same socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "server/gate/peer.h"

namespace vico::server {

struct ConnectionLimits {
  int per_peer = 64;      ///< open connections of one peer; 0: no limit
  int total = 4000;       ///< of all peers; 0: no limit
  bool loopback = false;  ///< apply `per_peer` to loopback, where a proxy may run
};

/// Why the server closes a connection: at once, or when the gate finds that it floods the server.
enum class Refusal { kPeer, kTotal, kDescriptors, kFlood };

/// One thread at a time.
class ConnectionLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ConnectionLimiter(const ConnectionLimits& limits) : limits_(limits) {}

  /// Counts the open `socket` for this peer, or returns why it must be refused.
  std::optional<Refusal> Admit(const Peer& peer, int socket, Time now);

  /// Removes closed connections. Admit() does this before it refuses one.
  void Sweep(Time now);
  Time swept() const { return swept_; }

  size_t open() const { return connections_.size(); }
  size_t open(const std::string& peer) const;

 private:
  using Counts = std::map<std::string, int>;
  struct Connection {
    int socket;
    ino_t inode;  // unique among open sockets
    Counts::iterator peer;
  };

  std::optional<Refusal> Refused(const Peer& peer) const;

  const ConnectionLimits limits_;
  Counts counts_;  // of peers with connections
  std::vector<Connection> connections_;
  Time swept_{};
};

}  // namespace vico::server
