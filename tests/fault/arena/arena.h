// One server, or several with a balancer in front of them, and fake workers, as processes. A
// process that dies is replaced, and tests can disturb all of them.
#pragma once

#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/mutex.h"
#include "tests/fault/arena/balancer.h"
#include "tests/fault/arena/shared_store.h"
#include "tests/fault/arena/tcp_proxy.h"
#include "tests/fault/history/snapshot.h"
#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico::fault {

struct ArenaOptions {
  int workers = 3;
  double lease_seconds = 1;
  int step_ms = 2;                ///< duration of a step of a worker; a job has five steps
  int batch_jobs = 1;             ///< generations that a worker runs at once
  std::string server_failpoints;  ///< each runs once, in the first process that reaches it
  std::string worker_failpoints;
  std::string defect;                         ///< planted in the server or the workers; empty: none
  std::vector<std::string> server_flags{};    ///< additional flags
  std::shared_ptr<TcpProxy> worker_proxy{};   ///< between the workers and the server
  int servers = 1;                            ///< more than one need `shared`
  std::shared_ptr<SharedStore> shared{};      ///< in place of the server's folder
  ProxyProgram proxy = ProxyProgram::kNginx;  ///< in front of several servers
  /// What is added to the wall clock of the last server, and of no other, two seconds after its
  /// start.
  std::chrono::seconds wrong_clock{0};
};

/// Any thread. The destructor ends all processes.
class Arena {
 public:
  explicit Arena(ArenaOptions options);
  ~Arena();

  /// False if no server listens within a minute; it prints the log then.
  bool WaitForServer();

  std::string address() const;  ///< for clients
  /// For clients that pass the proxy by; empty before WaitForServer().
  std::string server_address(int which) const;
  std::string data() const { return folder_.path() + "/data"; }
  std::string records() const { return folder_.path() + "/records"; }
  /// The lines that all processes wrote to VICO_FAILPOINT_HITS.
  std::vector<std::string> Hits() const;
  std::string log() const { return ReadFile(folder_.path() + "/log"); }

  void KillServer(int which = 0) { SignalServer(SIGKILL, which); }
  void KillWorker(int which) { SignalWorker(which, SIGKILL); }
  void SignalServer(int signal, int which = 0);
  void SignalWorker(int which, int signal);
  pid_t server_pid(int which = 0);
  int servers() const { return options_.servers; }
  SharedStore* shared() const { return options_.shared.get(); }

  /// The program of the server from its next start on, in place of vico-server.
  void RunFromNowOn(int which, const std::string& program);

  /// Keeps the worker from being replaced when it ends.
  void Abandon(int which);

  /// The number of successful registrations of workers.
  int registered() const;
  int server_starts();
  int worker_starts();

  /// Kills the workers and stops the servers with SIGTERM. Returns their exit code, the worst of
  /// several, or nullopt if one did not end within 30 s and was killed.
  std::optional<int> Stop();

  /// What the servers have stored.
  absl::StatusOr<Snapshot> Read() const;

 private:
  void Supervise(const std::stop_token& stop);
  void StartMissing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StartServer(int which) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string DataOf(int which) const;
  void StartWorker(int which) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ArenaOptions options_;
  TempFolder folder_;
  mutable Mutex mutex_;
  struct Server {
    std::unique_ptr<Process> process;
    Backend ports;        // 0: not known yet
    std::string program;  // empty: the one that the options demand
  };
  std::vector<Server> servers_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Balancer> balancer_ ABSL_GUARDED_BY(mutex_);  // of several servers
  std::set<int> abandoned_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Process>> workers_ ABSL_GUARDED_BY(mutex_);
  int server_starts_ ABSL_GUARDED_BY(mutex_) = 0;
  int worker_starts_ ABSL_GUARDED_BY(mutex_) = 0;
  int client_port_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: not known yet
  int worker_port_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // A child process dies with the thread that started it, so one thread starts all of them.
  std::jthread supervisor_;
};

}  // namespace vico::fault
