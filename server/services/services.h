// Owner of everything between the stores and the listeners: the gRPC services with their threads,
// authenticators, worker registry, limits and metrics, and the threads that maintain jobs and
// tenants.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/tracing/span.h"
#include "server/access/authenticators.h"
#include "server/jobs/event_feed.h"
#include "server/metrics/metrics.h"
#include "server/net/listeners.h"
#include "server/pictures/decode_queue.h"
#include "server/pictures/picture_decoder.h"
#include "server/rpc/client_stream.h"
#include "server/services/job_service.h"
#include "server/storage/storage.h"
#include "server/tenants/admission.h"
#include "server/workers/worker_registry.h"

namespace vico::server {

struct ServiceOptions {
  std::string version;
  int threads = 8;                                 ///< that run handlers
  int transfer_threads = 16;                       ///< that run handlers of files
  DecodeLimits decoding;                           ///< of uploaded pictures
  int thumbnail_threads = 2;                       ///< that make thumbnails
  absl::Duration housekeeping = absl::Seconds(2);  ///< interval
  CallLimits calls{};                              ///< of clients
  /// Uploads by clients; each may hold a picture of 10 MiB.
  CallLimits upload_calls{.streams = 16};
  /// Of workers and operators. Workers with one certificate, or without one, are one caller.
  CallLimits worker_calls{.streams = 2400};
  std::chrono::milliseconds answer_time{30'000};  ///< `answer` of all three
  AdmissionLimits admission;
  Admission::ProbeDisk probe_disk{};  ///< of the data folder; the file system's values if left out
  JobServiceOptions streams;
  ClientStreamOptions uploads;  ///< by clients
};

/// What Services gets from the rest of the server. The references must outlive it.
struct ServiceContext {
  Storage& storage;
  EventFeed& feed;
  const Clock& clock;
  Log log;
  std::unique_ptr<PictureDecoder> decoder;
  KeyPolicy keys = KeyPolicy::kRequired;
  WorkerPolicy workers = WorkerPolicy::kCertificate;
  absl::Duration lease_ttl;
  SpanSink* spans = nullptr;                    ///< may be null
  std::function<void()> on_registered = [] {};  ///< after a worker registered; any thread
};

/// Any thread, except Start(), StartMaintenance() and Stop().
class Services {
 public:
  /// kUnavailable and the store's other errors when the API keys cannot be read.
  static absl::StatusOr<std::unique_ptr<Services>> Start(const ServiceOptions& options,
                                                         ServiceContext context);
  ~Services();  ///< as Stop()

  std::vector<NamedService> ForClients();
  std::vector<NamedService> ForWorkers();

  const WorkerRegistry& workers() const;
  Metrics& metrics();

  /// By group of calls: "clients", "uploads" and "workers".
  std::map<std::string, size_t> OpenStreams() const;

  /// Starts the threads that expire leases, refresh API keys and erase deleted tenants.
  void StartMaintenance();

  /// Refuses new calls, ends watches and long polls with kUnavailable, and waits up to `grace` for
  /// the other calls.
  void Drain(absl::Duration grace);

  /// Stops all threads. The listeners must be closed.
  void Stop();

 private:
  struct Parts;
  explicit Services(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace vico::server
