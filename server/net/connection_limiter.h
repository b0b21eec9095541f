// Which peer holds how many connections. Whoever a connection is given to tells nobody when it
// closes it; the book sees that its descriptor is free, or has become something else's.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "server/net/peer.h"

namespace vico::server {

struct ConnectionLimits {
  int per_peer = 64;      ///< open connections of one peer; 0: no limit
  int total = 4000;       ///< of all peers; 0: no limit
  bool loopback = false;  ///< `per_peer` also holds for this machine, where a proxy may stand
};

/// Why a connection is closed at once.
enum class Refusal { kPeer, kTotal, kDescriptors };

/// One thread at a time.
class ConnectionLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ConnectionLimiter(const ConnectionLimits& limits) : limits_(limits) {}

  /// Counts `socket`, which is open, as this peer's; or says why not.
  std::optional<Refusal> Admit(const Peer& peer, int socket, Time now);

  /// Forgets the connections that have been closed. Admit() does it, too, before it refuses.
  void Sweep(Time now);
  Time swept() const { return swept_; }

  size_t open() const { return connections_.size(); }
  size_t open(const std::string& peer) const;

 private:
  using Counts = std::map<std::string, int>;
  struct Connection {
    int socket;
    ino_t inode;  // no two sockets that are open have the same
    Counts::iterator peer;
  };

  std::optional<Refusal> Refused(const Peer& peer) const;

  const ConnectionLimits limits_;
  Counts counts_;  // of peers that have any
  std::vector<Connection> connections_;
  Time swept_{};
};

}  // namespace vico::server
