// The server: owns storage, services and listeners, and drains them in order.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/disk/files.h"
#include "server/jobs/event_feed.h"
#include "server/metrics/listener.h"
#include "server/net/listeners.h"
#include "server/options.h"
#include "server/services/services.h"
#include "server/storage/storage.h"

namespace vico::server {

/// One thread at a time, except Health() and open_streams().
class Server {
 public:
  /// Opens the data folder, listens, and writes the ports to {data}/ports.json. kInvalidArgument
  /// for a public address without TLS, kFailedPrecondition for unusable certificate files,
  /// kFailedPrecondition, reason DATA_FOLDER_IN_USE, when another server has the folder,
  /// kUnavailable when it cannot listen, and the errors of Storage::Open and DecoderProcess::Start.
  /// `clock` and `files` must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const Clock& clock, Files& files,
                                                       const Log& log);
  ~Server();  ///< as Drain() without grace

  int client_port() const { return client_port_; }  ///< 0 with a Unix socket
  int worker_port() const { return worker_port_; }
  int metrics_port() const;  ///< 0 without metrics

  /// One JSON line with the ports.
  std::string ListeningLine() const;

  /// Open streams, uploads and long polls.
  size_t open_streams() const;

  /// OK, or why the process must exit: the database is damaged, or its disk fails.
  absl::Status Health() const { return storage_->Health(); }

  /// Reports NOT_SERVING and, with a grace, works on for `drain_notice`, so that load balancers see
  /// it. Then refuses new calls, ends watches (clients resume them) and long polls with
  /// kUnavailable, and waits up to `grace` for the other calls. When it returns, all acknowledged
  /// work is durable, nothing runs, and the database's log is empty.
  void Drain(absl::Duration grace);

 private:
  explicit Server(const ServerOptions& options) : options_(options) {}
  absl::Status Open(const Clock& clock, Files& files, const Log& log);
  absl::Status OpenMetrics();
  void UpdateWorkerHealth();

  const ServerOptions options_;
  EventFeed feed_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<Listeners> listeners_;
  std::unique_ptr<MetricsListener> metrics_listener_;
  std::atomic<bool> serving_{false};  // listeners_ is set, and the server is not draining
  std::optional<PeriodicThread> health_thread_;
  int client_port_ = 0;
  int worker_port_ = 0;
};

}  // namespace vico::server
