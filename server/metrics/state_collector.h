// What is so at the moment of a scrape: the queue, the workers, the streams, the disk, the process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/tracing/span.h"
#include "server/sql/database.h"
#include "server/net/acceptor.h"

namespace prometheus {
class Collectable;
}

namespace vico::server {

/// Of the living workers.
struct WorkerLoads {
  double memory_bytes = 0;
  double memory_bytes_most = 0;  ///< of the one that has most
  double loaded_adapters = 0;
  double draining = 0;
};

/// What a scrape asks; all of it must outlive the collector.
struct StateSources {
  Database& database;
  const Clock& clock;
  std::string data;  ///< the data folder, for the space left on its file system
  std::function<std::map<std::string, size_t>()> open_streams;           ///< by group of calls
  std::function<std::map<std::string, ConnectionCounts>()> connections;  ///< by listener
  std::function<int()> workers;
  std::function<int()> workers_busy;
  std::function<int()> base_models;  ///< that a living worker serves
  std::function<WorkerLoads()> load;
  std::function<SpanCounts()> spans;
};

std::shared_ptr<prometheus::Collectable> MakeStateCollector(StateSources sources);

}  // namespace vico::server
