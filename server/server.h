// The server: makes, wires and owns every object between the data folder and the two listeners.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/tls_files.h"
#include "common/tracing/span.h"
#include "server/jobs/admission.h"
#include "server/pictures/decoder/decoder_process.h"
#include "server/net/connection_limiter.h"
#include "server/disk/files.h"
#include "server/services/job_service.h"
#include "server/rpc/client_stream.h"

namespace vico::server {

struct ServerOptions {
  std::string data;                               ///< folder; made if it is not there
  std::string listen = "127.0.0.1:50051";         ///< for clients; port 0: any free one
  std::string worker_listen = "127.0.0.1:50052";  ///< for workers and operators
  std::string metrics_listen;                     ///< for Prometheus, over HTTP; empty: none
  ConnectionLimits client_connections;
  ConnectionLimits worker_connections{.per_peer = 256, .total = 1000};  ///< and operators'
  TlsFiles tls;  ///< with a certificate clients come by TLS and show keys; with a CA, which vouches
                 ///< for workers and operators, these come by TLS on both sides
  bool insecure = false;  ///< keys are not asked for, even if there are any
  absl::Duration lease_ttl = absl::Seconds(30);
  absl::Duration housekeeping = absl::Seconds(2);   ///< between turns
  absl::Duration garbage_age = absl::Hours(24);     ///< of a blob that nothing names, when it goes
  absl::Duration scrub_interval = absl::Hours(24);  ///< between readings of all blobs
  int threads = 8;                                  ///< that handlers run on
  int intake_threads = 2;                           ///< that decode uploaded pictures, one each
  DecoderOptions decoder;                           ///< of uploaded pictures
  std::string version;
  int queued_per_tenant = 100;     ///< waiting jobs; the next one is refused
  int queued_total = 10'000;       ///< the same of all tenants
  int trainings_per_tenant = 4;    ///< running at once; more wait
  int generations_per_tenant = 8;  ///< running at once; more wait
  AdmissionLimits admission;
  SpanSink* spans = nullptr;  ///< of calls and jobs; must outlive the server; null: nobody's
  Admission::ProbeDisk probe_disk{};  ///< of the data folder's disk; the system's if left out
  JobServiceOptions streams;
  ClientStreamOptions uploads;                     ///< by clients
  absl::Duration drain_notice = absl::Seconds(5);  ///< of Drain, from NOT_SERVING to refusing calls
};

class Server {
 public:
  /// Opens the data folder, listens, and writes the ports to {data}/ports.json. kInvalidArgument
  /// for an address off this machine without TLS, kFailedPrecondition for certificate files that
  /// are not as they should be, kFailedPrecondition (DATA_FOLDER_IN_USE) when another server has
  /// the folder, kUnavailable when it cannot listen, what DecoderProcess::Start answers when
  /// pictures cannot be decoded. `clock` and `files` must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const Clock& clock, Files& files,
                                                       const Log& log);
  /// As Drain() with no grace.
  ~Server();

  int client_port() const;  ///< 0 with a unix socket
  int worker_port() const;
  int metrics_port() const;  ///< 0 without metrics

  /// One JSON line that says where it listens.
  std::string ListeningLine() const;

  /// Streams, uploads and long polls under way.
  size_t open_streams() const;

  /// OK, or why the server must end and start anew: the database cannot be trusted any more.
  absl::Status Health();

  /// Says NOT_SERVING and goes on for `drain_notice` (not at all without a grace), so that those
  /// who choose a server see it; then refuses new calls, ends watches with kUnavailable (clients
  /// resume them) and long polls, and gives the rest `grace` to finish. When it returns, everything
  /// acknowledged is durable, nothing runs any more, and the database's log is empty.
  void Drain(absl::Duration grace);

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  void KeepTicking();

  const std::unique_ptr<Parts> parts_;
};

}  // namespace vico::server
