// Limits the frames that a client may send on one HTTP/2 connection. gRPC 1.51 has no such limits,
// and a client that floods it with frames costs it memory without end.
// docs/decisions/012-frames-are-counted-in-front-of-grpc.md
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <absl/container/flat_hash_set.h>

#include "server/gate/frame_reader.h"

namespace vico::server {

/// One thread at a time.
class FrameLimits {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// What a client does too much of, in words; empty: nothing.
  using Flood = std::optional<std::string_view>;

  static constexpr size_t kMostOpenStreams = 128;         ///< gRPC announces 100
  static constexpr uint32_t kMostHeaderBytes = 32 << 10;  ///< of one call, compressed
  static constexpr int kMostContinuations = 16;
  static constexpr std::chrono::seconds kSettingsTimeout{20};

  /// `suspect`: other connections of the client have flooded the server lately, so that this one
  /// may send a tenth at once. Its rate is that of all.
  explicit FrameLimits(Time now, bool suspect = false);

  /// Counts what the client sends after the connection preface.
  Flood FromClient(std::string_view bytes, Time now);
  /// Follows what the server answers: which streams end, and what the client has to acknowledge.
  Flood FromServer(std::string_view bytes, Time now);

  /// Whether the client owes an acknowledgement of SETTINGS for too long.
  Flood Overdue(Time now) const;

  /// Whether the server's next byte begins a frame, so that another frame may be put before it.
  bool server_between_frames() const { return server_.at_boundary(); }

 private:
  enum Kind { kReset, kPing, kSettings, kPriority, kSmallData, kWindowUpdate, kOther, kKinds };

  /// A token bucket.
  struct Allowance {
    double left = 0;
    Time filled{};
  };

  Flood CheckClient(const Frame& frame, Time now);
  Flood CheckHeaders(const Frame& frame, Time now);
  Flood CheckContinuation(const Frame& frame);
  Flood CheckServer(const Frame& frame, Time now);
  Flood Spend(Kind kind, Time now);
  void Earn(Kind kind, double more);

  double Burst(Kind kind) const;

  bool suspect_ = false;
  FrameReader client_;
  FrameReader server_;
  std::array<Allowance, kKinds> allowances_;
  absl::flat_hash_set<uint32_t> open_;  // streams
  uint32_t last_stream_ = 0;
  uint32_t in_header_block_ = 0;  // the stream whose headers continue; 0: none
  uint32_t header_bytes_ = 0;
  int continuations_ = 0;
  int settings_owed_ = 0;
  Time settings_sent_{};     // the oldest that is owed
  uint64_t data_bytes_ = 0;  // from the client, not yet turned into allowance
};

}  // namespace vico::server
