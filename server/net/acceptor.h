// Accepts connections in place of gRPC 1.51's listener, which stops accepting for good when file
// descriptors run out (CVE-2023-4785), and closes connections beyond the limits at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>

#include "common/log.h"
#include "common/mutex.h"
#include "server/gate/descriptor.h"
#include "server/net/connection_limiter.h"

namespace vico::server {

constexpr std::array kRefusals{Refusal::kPeer, Refusal::kTotal, Refusal::kDescriptors,
                               Refusal::kFlood};

/// "peer", "total", "descriptors" or "flood".
std::string_view RefusalLabel(Refusal refusal);

struct ConnectionCounts {
  size_t open = 0;                                   ///< at most a second old
  std::array<uint64_t, kRefusals.size()> refused{};  ///< since the start, by Refusal
};

class Acceptor {
 public:
  /// Receives the number of the listening socket, and the connection, which it then owns.
  using HandOver = std::function<void(int listening, Descriptor connection)>;

  /// Starts a thread that accepts from `sockets` and calls `hand_over`. kUnavailable when no file
  /// descriptors are left.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(std::vector<Descriptor> sockets,
                                                         const ConnectionLimits& limits,
                                                         HandOver hand_over, Log log);
  ~Acceptor();

  /// Closes the sockets. After it returns no connection is accepted.
  void Stop();

  ConnectionCounts counts() const;  ///< any thread

 private:
  using Time = ConnectionLimiter::Time;

  Acceptor(std::vector<Descriptor> sockets, const ConnectionLimits& limits, HandOver hand_over,
           Log log, Descriptor stop, Descriptor reserve);

  enum class Pace { kContinue, kPause };

  struct Arrival {
    Descriptor connection;
    Peer peer;
  };

  /// Limits the rate of a line in the log.
  class LogLimiter {
   public:
    bool Allow();

   private:
    std::optional<Time> last_;
  };

  void Run();
  Pace AcceptSome(int listening);
  /// Without a connection on failure; errno says why.
  static Arrival Accept(int listening);
  /// Hands the connection over or refuses it; false when it was refused. `limit` is the first
  /// descriptor number that is too high.
  bool Admit(int listening, Arrival arrival, int limit);
  /// Accepts and closes the next connection with the reserved descriptor. False when another thread
  /// has used the descriptor in the meantime.
  bool CloseNext(int listening);
  void Refuse(Refusal refusal, Arrival arrival);
  void Sweep();

  const HandOver hand_over_;
  const Log log_;
  const Descriptor stop_;
  std::vector<Descriptor> sockets_;
  Descriptor reserve_;  // empty while no new one is available
  std::array<LogLimiter, kRefusals.size()> refusal_lines_;
  LogLimiter error_line_;
  mutable Mutex mutex_;
  ConnectionLimiter limiter_ ABSL_GUARDED_BY(mutex_);
  std::array<uint64_t, kRefusals.size()> refused_ ABSL_GUARDED_BY(mutex_){};
  std::thread thread_;  // last: it uses the other members
};

}  // namespace vico::server
