// Accepts connections, and goes on when descriptors run out: gRPC 1.51's own listener then accepts
// none again until the program is started anew (CVE-2023-4785). Counts what each peer holds, and
// closes what is too much at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>

#include "common/log.h"
#include "server/net/connection_limiter.h"
#include "server/net/descriptor.h"

namespace vico::server {

constexpr std::array kRefusals{Refusal::kPeer, Refusal::kTotal, Refusal::kDescriptors};

/// "peer", "total" or "descriptors".
std::string_view RefusalLabel(Refusal refusal);

struct ConnectionCounts {
  size_t open = 0;                                   ///< to within a second
  std::array<uint64_t, kRefusals.size()> refused{};  ///< so far, by Refusal
};

class Acceptor {
 public:
  /// Gets the number of the listening socket and the connection, which is its own from then on.
  using HandOver = std::function<void(int listening, Descriptor connection)>;

  /// Begins to accept from `sockets` on a thread of its own, which calls `hand_over`. kUnavailable
  /// when there are no descriptors for that.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(std::vector<Descriptor> sockets,
                                                         const ConnectionLimits& limits,
                                                         HandOver hand_over, Log log);
  ~Acceptor();

  /// When it returns, nothing is accepted any more and the sockets are closed.
  void Stop();

  ConnectionCounts counts() const;  ///< any thread

 private:
  using Time = ConnectionLimiter::Time;

  Acceptor(std::vector<Descriptor> sockets, const ConnectionLimits& limits, HandOver hand_over,
           Log log, Descriptor stop, Descriptor reserve);

  enum class Pace { kGoOn, kPause };

  struct Arrival {
    Descriptor connection;
    Peer peer;
  };

  /// Lets a line of the log pass now and then.
  class Seldom {
   public:
    bool Now();

   private:
    std::optional<Time> last_;
  };

  void Run();
  Pace AcceptSome(int listening);
  /// Without a connection when none can be had; errno says why.
  static Arrival Accept(int listening);
  /// Whether there was room for it; `highest` is the first descriptor that is too high.
  bool Take(int listening, Arrival arrival, int highest);
  /// Closes the next connection with the descriptor that is held in reserve for this. False when
  /// others were quicker to take that.
  bool TurnAway(int listening);
  void Refuse(Refusal refusal, Arrival arrival);
  void Sweep();

  const HandOver hand_over_;
  const Log log_;
  const Descriptor stop_;
  std::vector<Descriptor> sockets_;
  Descriptor reserve_;  // none for as long as no new one can be had
  std::array<Seldom, kRefusals.size()> refusal_lines_;
  Seldom error_line_;
  mutable std::mutex mutex_;
  // guarded by mutex_
  ConnectionLimiter book_;
  std::array<uint64_t, kRefusals.size()> refused_{};
  // last, for it uses the others
  std::thread thread_;
};

}  // namespace vico::server
