// Collects the current state of queue, workers, streams, disk and process at each scrape.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/tracing/span.h"
#include "server/jobs/job_store.h"
#include "server/net/acceptor.h"
#include "server/tenants/admission.h"
#include "server/workers/worker_registry.h"

namespace prometheus {
class Collectable;
}

namespace vico::server {

/// What a scrape reads. All of it must outlive the collector; any thread calls the functions.
struct StateSources {
  JobStore& jobs;
  const WorkerRegistry& workers;
  std::function<bool()> ready;                      ///< whether the clients' services are SERVING
  std::function<bool()> leader;                     ///< whether this server keeps house
  std::function<absl::StatusOr<DiskSpace>()> disk;  ///< of the data folder
  std::function<std::map<std::string, size_t>()> open_streams;           ///< by group of calls
  std::function<std::map<std::string, ConnectionCounts>()> connections;  ///< by listener
  std::function<SpanCounts()> spans;
};

std::shared_ptr<prometheus::Collectable> MakeStateCollector(StateSources sources);

}  // namespace vico::server
