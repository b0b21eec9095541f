#include "server/metrics/metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "server/jobs/job.h"
#include "server/jobs/job_kinds.h"

namespace vico::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Registry;

using Boundaries = Histogram::BucketBoundaries;

constexpr std::array kOutcomes{v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_FAILED,
                               v1::JOB_STATE_CANCELLED};

// Bucket boundaries in seconds.
const Boundaries kJobSeconds{1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400};
const Boundaries kStepSeconds{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120};
const Boundaries kCallSeconds{0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 30, 120};

Family<Counter>& CounterFamily(Registry& registry, const std::string& name,
                               const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Histogram>& HistogramFamily(Registry& registry, const std::string& name,
                                   const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

std::string Text(std::string_view view) { return std::string(view); }

}  // namespace

std::string_view FailureLabel(std::string_view reason) {
  static const std::map<std::string_view, std::string_view> kLabels{
      {"OUT_OF_MEMORY", "memory"}, {"OUT_OF_RESOURCES", "memory"}, {"DIVERGED", "diverged"},
      {"NON_FINITE", "diverged"},  {"BAD_INPUT", "input"},         {"ENGINE_DIED", "engine"},
      {"ENGINE_HUNG", "engine"},   {"WORKER_LOST", "engine"}};
  const auto found = kLabels.find(reason);
  return found == kLabels.end() ? "other" : found->second;
}

struct Metrics::Families {
  explicit Families(Registry& registry)
      : submitted(
            CounterFamily(registry, "vico_jobs_submitted_total", "Jobs that clients submitted")),
        wait(HistogramFamily(registry, "vico_queue_wait_seconds",
                             "Time from a job's submission to its first start")),
        step(HistogramFamily(registry, "vico_step_seconds",
                             "Seconds per step as workers report them")),
        job(HistogramFamily(registry, "vico_job_seconds",
                            "Time from a job's first start to its end, all attempts included")),
        failed(CounterFamily(registry, "vico_attempts_failed_total",
                             "Failed attempts by kind of error")),
        released(CounterFamily(registry, "vico_releases_total", "Jobs returned by draining workers")
                     .Add({})),
        expired(CounterFamily(registry, "vico_lease_expiries_total",
                              "Expired leases: the worker died or could not reach the server")
                    .Add({})),
        cancels(CounterFamily(registry, "vico_cancellations_total", "Requests to cancel a job")
                    .Add({})),
        bytes(CounterFamily(registry, "vico_blob_bytes_total",
                            "Bytes written to (in) and read from (out) the blob store")),
        calls(CounterFamily(registry, "vico_calls_total", "Answered calls")),
        call_seconds(HistogramFamily(registry, "vico_call_seconds",
                                     "Time from a call's arrival to its answer")) {
    // Created before the first event, so that a rate includes it.
    for (const v1::JobKind kind : kJobKinds) {
      const std::string label = Text(KindName(kind));
      submitted.Add({{"kind", label}});
      wait.Add({{"kind", label}}, kJobSeconds);
      step.Add({{"kind", label}}, kStepSeconds);
      for (const v1::JobState outcome : kOutcomes) {
        job.Add({{"kind", label}, {"outcome", Text(StateName(outcome))}}, kJobSeconds);
      }
    }
    for (const char* reason : {"engine", "memory", "diverged", "input", "other"}) {
      failed.Add({{"reason", reason}});
    }
    for (const char* direction : {"in", "out"}) bytes.Add({{"direction", direction}});
  }

  Family<Counter>& submitted;
  Family<Histogram>& wait;
  Family<Histogram>& step;
  Family<Histogram>& job;
  Family<Counter>& failed;
  Counter& released;
  Counter& expired;
  Counter& cancels;
  Family<Counter>& bytes;
  Family<Counter>& calls;
  Family<Histogram>& call_seconds;
};

Metrics::Metrics(std::string_view version)
    : registry_(std::make_shared<Registry>()), families_(std::make_unique<Families>(*registry_)) {
  prometheus::BuildGauge()
      .Name("vico_build_info")
      .Help("1, with the server's version as a label")
      .Register(*registry_)
      .Add({{"version", Text(version)}})
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::Submitted(v1::JobKind kind) {
  families_->submitted.Add({{"kind", Text(KindName(kind))}}).Increment();
}

void Metrics::Began(v1::JobKind kind, absl::Duration waited) {
  families_->wait.Add({{"kind", Text(KindName(kind))}}, kJobSeconds)
      .Observe(std::max(0.0, absl::ToDoubleSeconds(waited)));
}

void Metrics::Stepped(v1::JobKind kind, double seconds_per_step) {
  families_->step.Add({{"kind", Text(KindName(kind))}}, kStepSeconds).Observe(seconds_per_step);
}

void Metrics::Ended(v1::JobKind kind, v1::JobState outcome, absl::Duration duration) {
  families_->job
      .Add({{"kind", Text(KindName(kind))}, {"outcome", Text(StateName(outcome))}}, kJobSeconds)
      .Observe(std::max(0.0, absl::ToDoubleSeconds(duration)));
}

void Metrics::AttemptFailed(std::string_view reason) {
  families_->failed.Add({{"reason", Text(FailureLabel(reason))}}).Increment();
}

void Metrics::Released() { families_->released.Increment(); }
void Metrics::LeasesExpired(int count) { families_->expired.Increment(count); }
void Metrics::CancelRequested() { families_->cancels.Increment(); }

void Metrics::BlobBytes(Direction direction, uint64_t bytes) {
  families_->bytes.Add({{"direction", direction == Direction::kIn ? "in" : "out"}})
      .Increment(static_cast<double>(bytes));
}

void Metrics::Called(const std::string& method, absl::StatusCode code, absl::Duration duration) {
  families_->calls.Add({{"method", method}, {"code", absl::StatusCodeToString(code)}}).Increment();
  families_->call_seconds.Add({{"method", method}}, kCallSeconds)
      .Observe(absl::ToDoubleSeconds(duration));
}

std::shared_ptr<prometheus::Collectable> Metrics::collectable() const { return registry_; }

}  // namespace vico::server
