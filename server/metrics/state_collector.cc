#include "server/metrics/state_collector.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/time/time.h>
#include <dirent.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/process/resident_bytes.h"
#include "server/jobs/job_kinds.h"
#include "server/metrics/metrics.h"

namespace vico::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

struct Sample {
  double value = 0;
  std::vector<ClientMetric::Label> labels{};
};

MetricFamily SampledFamily(std::string name, std::string help, prometheus::MetricType type,
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

MetricFamily SampledGauge(std::string name, std::string help, const std::vector<Sample>& samples) {
  return SampledFamily(std::move(name), std::move(help), prometheus::MetricType::Gauge, samples);
}

MetricFamily SampledCounter(std::string name, std::string help,
                            const std::vector<Sample>& samples) {
  return SampledFamily(std::move(name), std::move(help), prometheus::MetricType::Counter, samples);
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
    all.push_back(SampledGauge("vico_ready", "1 while database and blobs take writes, else 0",
                               {{sources_.ready() ? 1.0 : 0.0}}));
    all.push_back(SampledGauge(
        "vico_leader", "1 on the server that does housekeeping and garbage collection, else 0",
        {{sources_.leader() ? 1.0 : 0.0}}));
    std::vector<Sample> streams;
    for (const auto& [group, count] : sources_.open_streams()) {
      streams.push_back({static_cast<double>(count), {{"group", group}}});
    }
    all.push_back(
        SampledGauge("vico_open_streams", "Open streams, uploads and long polls", streams));
    AddWorkers(all);
    AddConnections(all);
    AddSpans(all);
    all.push_back(SampledGauge("process_resident_memory_bytes", "Resident memory",
                               {{static_cast<double>(ResidentBytes(getpid()))}}));
    all.push_back(SampledGauge("process_open_fds", "Open file descriptors", {{OpenDescriptors()}}));
    all.push_back(
        SampledGauge("process_max_fds", "Limit on file descriptors", {{MaxDescriptors()}}));
    return all;
  }

 private:
  void AddWorkers(std::vector<MetricFamily>& all) const {
    const WorkerTotals totals = sources_.workers.Totals();
    const auto add = [&](const char* name, const char* help, double value) {
      all.push_back(SampledGauge(name, help, {{value}}));
    };
    add("vico_workers", "Workers that called within the last minute", totals.alive);
    add("vico_workers_busy", "Living workers with a lease", totals.busy);
    add("vico_base_models", "Base models that living workers offer", totals.base_models);
    add("vico_workers_draining", "Living workers that are draining", totals.draining);
    all.push_back(SampledGauge(
        "vico_worker_memory_bytes",
        "Resident memory of living workers and their engines: the sum, and that of the largest",
        {{totals.memory_bytes, {{"of", "all"}}}, {totals.memory_bytes_most, {{"of", "most"}}}}));
    add("vico_loaded_adapters", "Adapters that living workers keep loaded", totals.loaded_adapters);
  }

  void AddSpans(std::vector<MetricFamily>& all) const {
    const SpanCounts counts = sources_.spans();
    all.push_back(SampledCounter(
        "vico_spans_total", "Spans that the collector accepted (sent) or that were lost (dropped)",
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
    all.push_back(
        SampledGauge("vico_connections_open", "Open connections, at most a second old", open));
    all.push_back(
        SampledCounter("vico_connections_refused_total",
                       "Connections closed: too many of the peer, too many in all, no file "
                       "descriptor left, or a flood of frames",
                       refused));
  }

  /// Adds nothing when the database does not answer.
  void AddQueue(std::vector<MetricFamily>& all) const {
    const auto counts = sources_.jobs.CountQueue();
    if (!counts.ok()) return;
    std::map<std::pair<std::string_view, std::string_view>, double> jobs;
    for (const v1::JobKind kind : kJobKinds) {
      for (const char* state : {"queued", "running"}) jobs[{KindName(kind), state}] = 0;
    }
    absl::Duration oldest;
    for (const QueueCounts& each : *counts) {
      jobs[{KindName(each.kind), "queued"}] += static_cast<double>(each.queued);
      jobs[{KindName(each.kind), "running"}] += static_cast<double>(each.running);
      oldest = std::max(oldest, each.oldest_wait);
    }
    std::vector<Sample> samples;
    samples.reserve(jobs.size());
    for (const auto& [labels, count] : jobs) {
      samples.push_back(
          {count, {{"kind", std::string(labels.first)}, {"state", std::string(labels.second)}}});
    }
    all.push_back(SampledGauge("vico_jobs", "Queued and running jobs", samples));
    all.push_back(SampledGauge("vico_queue_oldest_seconds", "Age of the oldest queued job",
                               {{absl::ToDoubleSeconds(oldest)}}));
  }

  void AddDisk(std::vector<MetricFamily>& all) const {
    const auto disk = sources_.disk();
    if (!disk.ok()) return;
    all.push_back(SampledGauge("vico_data_free_bytes", "Free space for the data folder",
                               {{static_cast<double>(disk->free_bytes)}}));
    all.push_back(SampledGauge("vico_data_size_bytes", "Size of the data folder's file system",
                               {{static_cast<double>(disk->total_bytes)}}));
  }

  const StateSources sources_;
};

}  // namespace

std::shared_ptr<prometheus::Collectable> MakeStateCollector(StateSources sources) {
  return std::make_shared<StateCollector>(std::move(sources));
}

}  // namespace vico::server
