#include "server/metrics/state_collector.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <absl/time/time.h>
#include <dirent.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/resident_bytes.h"

namespace vico::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

struct Sample {
  double value = 0;
  std::vector<ClientMetric::Label> labels{};
};

MetricFamily Family(std::string name, std::string help, prometheus::MetricType type,
                    const std::vector<Sample>& samples) {
  MetricFamily family{std::move(name), std::move(help), type, {}};
  for (const Sample& sample : samples) {
    ClientMetric metric;
    metric.label = sample.labels;
    (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) =
        sample.value;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

MetricFamily Gauge(std::string name, std::string help, const std::vector<Sample>& samples) {
  return Family(std::move(name), std::move(help), prometheus::MetricType::Gauge, samples);
}

MetricFamily Counter(std::string name, std::string help, const std::vector<Sample>& samples) {
  return Family(std::move(name), std::move(help), prometheus::MetricType::Counter, samples);
}

double OpenDescriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int count = -3;  // ".", ".." and the one that reads them
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

double MaxDescriptors() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

class StateCollector final : public prometheus::Collectable {
 public:
  explicit StateCollector(StateSources sources) : sources_(std::move(sources)) {}

  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> all;
    AddQueue(all);
    AddDisk(all);
    std::vector<Sample> streams;
    for (const auto& [group, count] : sources_.open_streams()) {
      streams.push_back({static_cast<double>(count), {{"group", group}}});
    }
    all.push_back(Gauge("vico_open_streams", "Streams, uploads and long polls under way", streams));
    all.push_back(Gauge("vico_workers", "Workers heard of in the last minute",
                        {{static_cast<double>(sources_.workers())}}));
    all.push_back(Gauge("vico_workers_busy", "Workers with a lease",
                        {{static_cast<double>(sources_.workers_busy())}}));
    all.push_back(Gauge("vico_base_models", "Base models that a living worker serves",
                        {{static_cast<double>(sources_.base_models())}}));
    AddLoad(all);
    AddConnections(all);
    AddSpans(all);
    all.push_back(Gauge("process_resident_memory_bytes", "Resident memory",
                        {{static_cast<double>(ResidentBytes(getpid()))}}));
    all.push_back(Gauge("process_open_fds", "Open file descriptors", {{OpenDescriptors()}}));
    all.push_back(Gauge("process_max_fds", "Limit on file descriptors", {{MaxDescriptors()}}));
    return all;
  }

 private:
  void AddLoad(std::vector<MetricFamily>& all) const {
    const WorkerLoads load = sources_.load();
    all.push_back(
        Gauge("vico_workers_draining", "Living workers that get no more jobs", {{load.draining}}));
    all.push_back(
        Gauge("vico_worker_memory_bytes",
              "Resident memory of the living workers and their engines: of all, and of "
              "the one that has most",
              {{load.memory_bytes, {{"of", "all"}}}, {load.memory_bytes_most, {{"of", "most"}}}}));
    all.push_back(Gauge("vico_loaded_adapters", "Adapters that the living workers keep loaded",
                        {{load.loaded_adapters}}));
  }

  void AddSpans(std::vector<MetricFamily>& all) const {
    const SpanCounts counts = sources_.spans();
    all.push_back(Counter("vico_spans_total",
                          "Spans that the collector took (sent), and that are lost (dropped)",
                          {{static_cast<double>(counts.sent), {{"outcome", "sent"}}},
                           {static_cast<double>(counts.dropped), {{"outcome", "dropped"}}}}));
  }

  void AddConnections(std::vector<MetricFamily>& all) const {
    std::vector<Sample> open;
    std::vector<Sample> refused;
    for (const auto& [listener, counts] : sources_.connections()) {
      open.push_back({static_cast<double>(counts.open), {{"listener", listener}}});
      for (size_t i = 0; i < kRefusals.size(); ++i) {
        refused.push_back(
            {static_cast<double>(counts.refused[i]),
             {{"listener", listener}, {"reason", std::string(RefusalLabel(kRefusals[i]))}}});
      }
    }
    all.push_back(Gauge("vico_connections_open", "Open connections, to within a second", open));
    all.push_back(Counter("vico_connections_refused_total",
                          "Connections closed at once: the peer or all peers have too many, or "
                          "descriptors run short",
                          refused));
  }

  /// Left out when the database does not answer: no figure is better than a wrong one.
  void AddQueue(std::vector<MetricFamily>& all) const {
    std::map<std::pair<std::string, std::string>, double> jobs;
    for (const char* kind : {"training", "generation"}) {
      for (const char* state : {"queued", "running"}) jobs[{kind, state}] = 0;
    }
    int64_t oldest = 0;
    const absl::Status read = sources_.database.Read([&](SqliteConnection& connection) {
      for (const char* sql :
           {"SELECT kind, state, count(*) FROM job WHERE state = 'queued' GROUP BY kind",
            "SELECT kind, state, count(*) FROM job WHERE state = 'running' GROUP BY kind"}) {
        const absl::Status status =
            connection.Query(sql, {}, [&](const SqlRow& row) -> absl::Status {
              jobs[{row.Text(0), row.Text(1)}] = static_cast<double>(row.Int(2));
              return absl::OkStatus();
            });
        if (!status.ok()) return status;
      }
      const auto first =
          connection.QueryInt("SELECT min(create_time) FROM job WHERE state = 'queued'", {}, 0);
      if (first.ok()) oldest = *first;
      return first.status();
    });
    if (!read.ok()) return;
    std::vector<Sample> samples;
    for (const auto& [labels, count] : jobs) {
      samples.push_back({count, {{"kind", labels.first}, {"state", labels.second}}});
    }
    all.push_back(Gauge("vico_jobs", "Jobs that wait (queued) and run", samples));
    const absl::Duration waits =
        oldest == 0 ? absl::ZeroDuration() : sources_.clock.Now() - absl::FromUnixMicros(oldest);
    all.push_back(Gauge("vico_queue_oldest_seconds", "Age of the oldest job that waits",
                        {{std::max(0.0, absl::ToDoubleSeconds(waits))}}));
  }

  void AddDisk(std::vector<MetricFamily>& all) const {
    struct statvfs disk {};
    if (statvfs(sources_.data.c_str(), &disk) != 0) return;
    const auto block = static_cast<double>(disk.f_frsize);
    all.push_back(Gauge("vico_data_free_bytes", "Free space for the data folder",
                        {{block * static_cast<double>(disk.f_bavail)}}));
    all.push_back(Gauge("vico_data_size_bytes", "Size of the data folder's file system",
                        {{block * static_cast<double>(disk.f_blocks)}}));
  }

  const StateSources sources_;
};

}  // namespace

std::shared_ptr<prometheus::Collectable> MakeStateCollector(StateSources sources) {
  return std::make_shared<StateCollector>(std::move(sources));
}

}  // namespace vico::server
