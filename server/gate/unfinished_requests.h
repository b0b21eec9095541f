// Counts what a client makes gRPC hold before a handler sees it: calls that are open, messages that
// the client has begun and not completed, and requests that wait for their answer. gRPC 1.51 limits
// a message only when it is complete, and asks no key before that.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "common/shares.h"
#include "server/gate/frame_reader.h"

namespace vico::server {

/// One connection. One thread at a time.
class UnfinishedRequests {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// What a client holds too much of, in words; empty: nothing.
  using Excess = std::optional<std::string_view>;

  /// gRPC refuses messages above its limit of 1 MiB itself, with a status, when they are complete.
  /// This one ends the connection at the message's head.
  static constexpr uint32_t kMostMessageBytes = 8 << 20;
  /// What an open call costs gRPC besides its messages.
  static constexpr uint64_t kCallBytes = 12 << 10;
  /// What each connection may hold besides the budget, so that the small calls of others at the
  /// same address go on while one of its connections takes all of it.
  static constexpr uint64_t kFreeBytes = 256 << 10;
  /// Longest time for the first message of a call. Later messages of an upload get more, since the
  /// server's work on the message before holds them up.
  static constexpr std::chrono::seconds kMessageTime{60};

  /// `budget` is divided among peers and outlives this object. `peer` is the peer's name.
  UnfinishedRequests(Shares& budget, std::string peer, uint64_t free_bytes = kFreeBytes)
      : budget_(budget), peer_(std::move(peer)), free_bytes_(free_bytes) {}
  ~UnfinishedRequests();
  UnfinishedRequests(const UnfinishedRequests&) = delete;
  UnfinishedRequests& operator=(const UnfinishedRequests&) = delete;

  /// Follows what the client sends after the connection preface.
  Excess FromClient(std::string_view bytes, Time now);
  /// Follows which calls the server ends.
  void FromServer(std::string_view bytes);

  /// Whether a message is not complete in time. Looks at every open call.
  Excess Overdue(Time now) const;

 private:
  static constexpr size_t kPrefix = 5;  // of a message: a flag and its length

  struct Call {
    Time waits_since{};  // for the first message, or the rest of the current one
    bool waits = true;
    bool complete = false;  // the client sends nothing more
    std::array<uint8_t, kPrefix> prefix{};
    uint8_t prefix_size = 0;
    uint32_t left = 0;           // bytes of the current message
    uint64_t message_bytes = 0;  // of the current message, held
  };

  void OnFrame(const Frame& frame, Time now);
  void OnPayload(std::string_view payload, Time now);
  void OnMessageBytes(Call& call, std::string_view bytes, Time now);
  void BeginMessage(Call& call);
  void EndOfRequest(uint32_t stream);
  bool Hold(uint64_t bytes);
  void Release(uint64_t bytes);
  void End(uint32_t stream);

  Shares& budget_;
  const std::string peer_;
  const uint64_t free_bytes_;
  uint64_t held_ = 0;                          // of all calls
  uint64_t taken_ = 0;                         // from the budget
  absl::flat_hash_map<uint32_t, Call> calls_;  // by stream
  uint32_t last_stream_ = 0;
  FrameReader client_;
  FrameReader server_;
  Frame frame_;            // the client's current one
  uint32_t frame_at_ = 0;  // position in its payload
  uint32_t padding_ = 0;   // of it
  Excess excess_;
};

}  // namespace vico::server
