// One connection of a client, relayed to gRPC: the gate ends TLS, counts the client's frames and
// holds at most one block of bytes in each direction.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/shares.h"
#include "server/gate/byte_stream.h"
#include "server/gate/frame_limits.h"
#include "server/gate/unfinished_requests.h"

namespace vico::server {

/// Bytes that one read takes, and the most that waits in a direction.
constexpr size_t kRelayBlock = 64 << 10;

/// One thread at a time.
class GatedConnection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `requests` is what peers may make gRPC hold; it outlives the connection. `suspect`: as in
  /// FrameLimits.
  GatedConnection(ByteStream client, int listening, Shares& requests, bool suspect, Time now);

  enum class Outcome {
    kOpen,
    kGreeted,  ///< TLS and the preface are there: Attach() it to gRPC. Returned once
    kClosed,
  };

  enum class Side : uint64_t { kClient, kServer };

  /// Moves bytes after an event at one side. `scratch` has kRelayBlock bytes.
  Outcome OnEvent(Side side, uint32_t events, char* scratch, Time now);
  /// Ends what takes too long. To be called about once a second.
  Outcome OnTime(Time now);

  /// Relays to `server` from now on.
  void Attach(Descriptor server) { server_ = ByteStream(std::move(server)); }

  /// The events of epoll that the side waits for; 0: none, not even that the peer went away.
  uint32_t Awaits(Side side) const;

  int number(Side side) const {
    return side == Side::kClient ? client_.number() : server_.number();
  }
  int listening() const { return listening_; }
  bool attached() const { return static_cast<bool>(server_); }
  /// The client, as connections are limited by it.
  const std::string& peer() const { return peer_; }
  /// What the client did too much of; empty: nothing.
  std::string_view flood() const { return flood_; }

 private:
  enum class State { kHandshake, kPreface, kRelay, kPunished };

  Outcome Greet(char* scratch, Time now);
  FrameLimits::Flood Count(std::string_view from_client, Time now);
  Outcome FromClient(char* scratch, Time now);
  Outcome FromServer(char* scratch, Time now);
  Outcome Punish(std::string_view flood, Time now);
  Outcome FlushToClient(Time now);
  Outcome FlushToServer();

  ByteStream client_;
  ByteStream server_;  // none before Attach() and after the punishment
  const std::string peer_;
  const int listening_;
  State state_ = State::kHandshake;
  FrameLimits frames_;
  UnfinishedRequests requests_;
  std::string to_server_;  // what the other side has no room for
  std::string to_client_;
  Time deadline_;  // of the greeting or the punishment; while to_client_ waits, of some progress
  std::string_view flood_;
};

}  // namespace vico::server
