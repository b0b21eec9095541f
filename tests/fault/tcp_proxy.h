// A TCP proxy that misbehaves: between a worker and its server, on loopback.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>

namespace vico {

struct ProxyFaults {
  int64_t cut_after_bytes = 0;         ///< both ends are reset once so many have passed; 0: never
  std::chrono::milliseconds delay{0};  ///< of everything
  int slice_bytes = 0;                 ///< at most so many at a time; 0: as they come
  int64_t half_close_after_bytes = 0;  ///< the server's answers end, the way there stays open
};

/// Listens from its making to its end. Any thread.
class TcpProxy {
 public:
  explicit TcpProxy(const ProxyFaults& faults);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  /// Where connections go from now on.
  void Forward(int target_port) { target_port_ = target_port; }
  /// Resets every connection; new ones are refused while `refuse`.
  void Partition(bool refuse);

  int connections() const { return connections_; }
  int64_t bytes() const { return bytes_; }
  int faults() const { return faults_made_; }  ///< cuts and half-closes so far

 private:
  struct Link {
    int client = -1;
    int server = -1;
    std::atomic<int64_t> passed{0};
    std::atomic<int> open_ways{2};
    std::jthread there;
    std::jthread back;
  };

  void Accept(const std::stop_token& stop);
  void Pass(Link& link, int from, int to, bool is_back);
  static void Reset(Link& link);

  const ProxyFaults options_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> target_port_{0};
  std::atomic<bool> refusing_{false};
  std::atomic<int> connections_{0};
  std::atomic<int64_t> bytes_{0};
  std::atomic<int> faults_made_{0};
  std::mutex mutex_;
  std::list<Link> links_;  // guarded by mutex_
  std::jthread acceptor_;
};

}  // namespace vico
