// A server and fake workers as processes, started anew whenever one dies, and the means to disturb
// them.
#pragma once

#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/end_to_end/processes.h"
#include "tests/fault/tcp_proxy.h"
#include "tests/support/temp_folder.h"

namespace vico {

struct ArenaOptions {
  int workers = 3;
  double lease_seconds = 1;
  int step_ms = 2;                ///< of a worker's step; a job has five
  std::string server_failpoints;  ///< each acts once, in whichever server or worker reaches it
  std::string worker_failpoints;
  std::string defect;                        ///< of all processes, always
  std::vector<std::string> server_flags{};   ///< more of them
  std::shared_ptr<TcpProxy> worker_proxy{};  ///< between the workers and the server
};

/// Any thread. All processes end with it.
class Arena {
 public:
  explicit Arena(ArenaOptions options);
  ~Arena();

  /// False, with the log printed, when no server listens within a minute.
  bool WaitForServer();

  std::string address() const;  ///< for clients
  std::string data() const { return folder_.path() + "/data"; }
  std::string records() const { return folder_.path() + "/records"; }
  /// Lines of VICO_FAILPOINT_HITS, of all processes.
  std::vector<std::string> Hits() const;
  std::string log() const { return ReadFile(folder_.path() + "/log"); }

  void KillServer() { SignalServer(SIGKILL); }
  void KillWorker(int which) { SignalWorker(which, SIGKILL); }
  void SignalServer(int signal);
  void SignalWorker(int which, int signal);
  pid_t server_pid();

  /// How often a worker was registered.
  int registered() const;
  int server_starts();
  int worker_starts();

  /// Ends everything: workers first, the server by SIGTERM. Its exit code, none when it had to be
  /// killed after half a minute.
  std::optional<int> Stop();

 private:
  void Supervise(const std::stop_token& stop);
  void StartServer();
  void StartWorker(int which);

  const ArenaOptions options_;
  TempFolder folder_;
  std::mutex mutex_;
  std::unique_ptr<Process> server_;                // guarded by mutex_
  std::vector<std::unique_ptr<Process>> workers_;  // guarded by mutex_
  int server_starts_ = 0;                          // guarded by mutex_
  int worker_starts_ = 0;                          // guarded by mutex_
  int client_port_ = 0;                            // guarded by mutex_; 0: not known yet
  int worker_port_ = 0;                            // guarded by mutex_
  bool stopping_ = false;                          // guarded by mutex_
  // Children die with the thread that started them, so one thread starts them all.
  std::jthread supervisor_;
};

}  // namespace vico
