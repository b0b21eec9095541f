// A TCP proxy on loopback that injects network faults between workers and their server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <thread>

#include "common/mutex.h"

namespace vico::fault {

struct ProxyFaults {
  int64_t cut_after_bytes = 0;         ///< a connection is reset after this many; 0: never
  std::chrono::milliseconds delay{0};  ///< before each write
  int slice_bytes = 0;                 ///< the largest write; 0: as received
  int64_t half_close_after_bytes =
      0;  ///< after this many the server's direction is closed; 0: never
};

/// Listens from the constructor to the destructor. Any thread.
class TcpProxy {
 public:
  explicit TcpProxy(const ProxyFaults& faults);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  /// Sets the port that new connections are forwarded to.
  void Forward(int target_port) { target_port_ = target_port; }
  /// Resets all connections. Refuses new ones until the next call with false.
  void Partition(bool refuse);

  int connections() const { return connections_; }
  int64_t bytes() const { return bytes_; }
  int faults() const { return faults_made_; }  ///< resets and half-closes so far

 private:
  struct Link {
    int client = -1;
    int server = -1;
    std::atomic<int64_t> passed{0};
    std::atomic<int> open_directions{2};
    std::jthread to_server;
    std::jthread to_client;
  };

  void Accept(const std::stop_token& stop);
  void Pass(Link& link, int from, int to, bool is_response);
  static void Reset(Link& link);

  const ProxyFaults options_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> target_port_{0};
  std::atomic<bool> refusing_{false};
  std::atomic<int> connections_{0};
  std::atomic<int64_t> bytes_{0};
  std::atomic<int> faults_made_{0};
  Mutex mutex_;
  std::list<Link> links_ ABSL_GUARDED_BY(mutex_);
  std::jthread acceptor_;
};

}  // namespace vico::fault
