#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "bench/queue/front.h"
#include "bench/queue/measurements.h"
#include "bench/queue/queue_model.h"
#include "bench/queue/times.h"
#include "common/mutex.h"
#include "common/status.h"

namespace vico::bench {
namespace {

constexpr int kCores = 2;
constexpr std::array kCallers = {1, 8, 32};

/// Calls per second with so many callers, which make `calls` in total.
double Rate(int callers, int calls, const std::function<void(int number)>& call) {
  std::atomic<int> next{0};
  const auto start = steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&] {
        for (int number = next++; number < calls; number = next++) call(number);
      });
    }
  }
  return calls / SecondsSince(start);
}

/// Rates by kCallers.
struct Rates {
  std::vector<double> submit;
  std::vector<double> lease;
  std::vector<double> report;
  std::vector<double> finish;
};

void Print(const char* name, const std::vector<double>& rates) {
  std::printf("| %s |", name);
  for (const double rate : rates) std::printf(" %.0f |", rate);
  std::printf("\n");
}

double Best(const std::vector<double>& rates) {
  return *std::max_element(rates.begin(), rates.end());
}

/// Measures the calls through one front, of whose jobs `tenants` tenants have some.
absl::StatusOr<Rates> Measure(Front& front, int tenants, int calls, const std::string& run) {
  server::JobStore& jobs = front.jobs();
  Rates rates;
  std::atomic<int> failed{0};
  Mutex mutex;
  absl::Status first_error;
  const auto note = [&](const absl::Status& status) {
    if (status.ok()) return;
    ++failed;
    const MutexLock lock(mutex);
    if (first_error.ok()) first_error = status;
  };
  int round = 0;
  for (const int callers : kCallers) {
    const std::string name = fmt::format("{}-{}", run, ++round);
    // A submit may read the whole queue, so fewer of them do.
    rates.submit.push_back(Rate(callers, calls / 5, [&](int number) {
      const auto request = GenerationOf(fmt::format("tenant-{}", number % tenants),
                                        fmt::format("{}-{}", name, number));
      note(jobs.Submit(request).status());
    }));
    std::vector<server::Grant> grants(static_cast<size_t>(calls));
    rates.lease.push_back(Rate(callers, calls, [&](int number) {
      const auto granted = jobs.Lease(LeaseOf(fmt::format("worker-{}-{}", name, number), "nonce"));
      note(granted.status());
      if (granted.ok() && granted->empty()) note(absl::NotFoundError("a lease found no job"));
      if (granted.ok() && !granted->empty()) grants[static_cast<size_t>(number)] = granted->front();
    }));
    rates.report.push_back(Rate(callers, calls, [&](int number) {
      note(jobs.Report(ReportOf(grants[static_cast<size_t>(number)])).status());
    }));
    rates.finish.push_back(Rate(callers, calls, [&](int number) {
      note(jobs.Finish(FinishOf(grants[static_cast<size_t>(number)])).status());
    }));
  }
  if (failed > 0) {
    return absl::InternalError(
        fmt::format("{} calls failed, the first with {}", failed.load(), first_error.ToString()));
  }
  return rates;
}

void PrintRates(const Rates& rates) {
  std::printf("| calls per second | 1 caller | 8 callers | 32 callers |\n|---|---|---|---|\n");
  Print("submit", rates.submit);
  Print("lease", rates.lease);
  Print("report", rates.report);
  Print("finish", rates.finish);
}

/// The cores are busy when a rate is at its best. A lease costs a batch of one, as with one caller;
/// with 32 callers batches are of about 31, since one caller is on its way back.
ServiceTimes TimesOf(const Rates& rates, double submit_rate) {
  ServiceTimes times;
  times.submit = kCores / submit_rate;
  times.report = kCores / Best(rates.report);
  times.finish = kCores / Best(rates.finish);
  const double one = 1 / rates.lease.front();
  const double many = 31 / rates.lease.back();
  times.lease = std::clamp((many - one) / 30, 0.0, one);
  times.lease_batch = one - times.lease;
  return times;
}

void PrintModel(const SimulationOptions& options, const ServiceTimes& times) {
  std::printf(
      "service times: submit %.2f ms, report %.2f ms, finish %.2f ms, lease %.2f ms a batch and "
      "%.2f ms a job\n"
      "| seconds a job | jobs/s | calls/s | database | lease lock | busiest front | report p50 / "
      "p99 ms | lease p50 / p99 ms | saturated |\n|---|---|---|---|---|---|---|---|---|\n",
      times.submit * 1000, times.report * 1000, times.finish * 1000, times.lease_batch * 1000,
      times.lease * 1000);
  for (const double seconds : {240.0, 120.0, 60.0, 30.0, 15.0, 7.5}) {
    ModelOptions model;
    model.fronts = options.fronts;
    model.workers = options.workers;
    model.job_seconds = seconds;
    model.report_seconds = std::max(2.0, seconds / 15);
    model.times = times;
    model.database_servers = kCores;
    const ModelResult result = RunModel(model);
    const char* const saturated = result.database > 0.95     ? "database"
                                  : result.lease_lock > 0.95 ? "lease lock"
                                  : result.threads > 0.95    ? "front's threads"
                                                             : "none";
    std::printf(
        "| %.1f | %.0f | %.0f | %.0f %% | %.0f %% | %.0f %% | %.1f / %.1f | %.1f / %.1f | %s |\n",
        seconds, result.jobs_per_second, result.calls_per_second, 100 * result.database,
        100 * result.lease_lock, 100 * result.threads, result.report_p50, result.report_p99,
        result.lease_p50, result.lease_p99, saturated);
  }
}

}  // namespace

absl::Status Simulate(PostgresCluster& cluster, const SimulationOptions& options) {
  constexpr int kCalls = 900;
  const std::string url = cluster.NewDatabase();
  {
    server::JobStoreOptions store;
    store.generations_per_tenant = options.workers;
    ASSIGN_OR_RETURN(const auto front, Front::Open(url, store));
    FillQueue(cluster, url, 3 * kCalls, options.tenants);
    ASSIGN_OR_RETURN(const Rates small, Measure(*front, options.tenants, kCalls, "small"));
    std::printf("with at most %d jobs queued:\n", 3 * kCalls);
    PrintRates(small);
    auto start = steady_clock::now();
    FillQueue(cluster, url, options.queued, options.tenants, "more");
    std::printf("\nwith %d jobs queued (filled in %.0f s):\n", options.queued, SecondsSince(start));
    ASSIGN_OR_RETURN(const Rates large, Measure(*front, options.tenants, kCalls, "large"));
    PrintRates(large);
    std::printf("\n%d fronts, %d workers, %d cores:\n", options.fronts, options.workers, kCores);
    PrintModel(options, TimesOf(large, Best(large.submit)));
    std::printf("\nthe same, if a submit did not count the queue:\n");
    PrintModel(options, TimesOf(large, Best(small.submit)));
  }
  cluster.DropDatabase(url);
  return absl::OkStatus();
}

}  // namespace vico::bench
