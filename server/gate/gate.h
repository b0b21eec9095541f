// Stands between the acceptor and gRPC: greets each connection (TLS, HTTP/2 preface), then relays
// it over a pair of Unix sockets and counts its frames.
// docs/decisions/012-frames-are-counted-in-front-of-grpc.md
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include <absl/status/statusor.h>

#include "common/log.h"
#include "common/mutex.h"
#include "common/shares.h"
#include "server/gate/flooders.h"
#include "server/gate/gate_loop.h"
#include "server/gate/tls_server.h"

namespace vico::server {

class Gate {
 public:
  /// Receives the number of the listening socket and gRPC's end of a new connection.
  using HandOver = std::function<void(int listening, Descriptor connection)>;

  /// Connections speak TLS if `tls` is not null. kUnavailable when no file descriptors are left.
  static absl::StatusOr<std::unique_ptr<Gate>> Start(std::unique_ptr<TlsServer> tls,
                                                     HandOver hand_over, Log log);
  ~Gate() { Stop(); }

  /// Takes an accepted connection. One thread at a time.
  void Admit(int listening, Descriptor connection);

  /// Hands no more connections over. Nothing may be admitted at the same time or later.
  void StopGreeting();
  /// Waits a moment until gRPC has closed its connections, and closes the rest.
  void Stop();

  uint64_t floods() const { return floods_; }  ///< connections that sent too much; any thread

 private:
  Gate(std::unique_ptr<TlsServer> tls, HandOver hand_over, Log log);

  GateLoop::Events Events();
  void Connect(std::unique_ptr<GatedConnection> connection);
  void CountFlood(const GatedConnection& connection);

  const std::unique_ptr<TlsServer> tls_;
  const HandOver hand_over_;
  const Log log_;
  Shares requests_;  // bytes that peers make gRPC hold
  std::atomic<uint64_t> floods_{0};
  Mutex mutex_;
  Flooders flooders_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int64_t> next_log_line_{0};  // seconds of the steady clock
  // Handshakes have a thread of their own, so that many of them do not hold up the relay.
  std::unique_ptr<GateLoop> relay_;
  std::unique_ptr<GateLoop> greeting_;
};

}  // namespace vico::server
