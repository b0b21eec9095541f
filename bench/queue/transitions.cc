#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "bench/queue/front.h"
#include "bench/queue/measurements.h"
#include "bench/queue/times.h"
#include "common/status.h"
#include "tests/support/temp_folder.h"

namespace vico::bench {
namespace {

/// Appends 8 KiB at a time, as PostgreSQL's log does, and syncs each append.
double SyncsPerSecond(double seconds) {
  const TempFolder folder;
  const std::string path = folder.path() + "/page";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string page(8192, 'x');
  int syncs = 0;
  const auto start = steady_clock::now();
  while (SecondsSince(start) < seconds) {
    if (write(fd, page.data(), page.size()) < 0 || fdatasync(fd) != 0) break;
    ++syncs;
  }
  const double rate = syncs / SecondsSince(start);
  close(fd);
  return rate;
}

struct CallTimes {
  Times submit;
  Times lease;
  Times report;
  Times finish;
};

/// Repeats submit, lease, report and finish, and counts the acknowledged ones.
void Play(Front& front, int number, const std::string& tenant, const std::atomic<bool>& stop,
          std::atomic<int64_t>& done, CallTimes& times) {
  server::JobStore& jobs = front.jobs();
  for (int i = 0; !stop; ++i) {
    const auto request = GenerationOf(tenant, fmt::format("request-{}-{}", number, i));
    done += times.submit.Measure([&] { return jobs.Submit(request); }).ok();
    const auto query = LeaseOf(fmt::format("worker-{}", number), fmt::format("nonce-{}", i));
    const auto grants = times.lease.Measure([&] { return jobs.Lease(query); });
    if (!grants.ok() || grants->empty()) continue;  // another caller got it
    ++done;
    const auto& grant = grants->front();
    done += times.report.Measure([&] { return jobs.Report(ReportOf(grant)); }).ok();
    done += times.finish.Measure([&] { return jobs.Finish(FinishOf(grant)); }).ok();
  }
}

void Print(const char* name, const Times& times) {
  std::printf("  %s: %zu calls, p50 %.1f ms, p99 %.1f ms\n", name, times.count(),
              times.Quantile(0.5), times.Quantile(0.99));
}

}  // namespace

absl::Status MeasureTransitions(PostgresCluster& cluster, const TransitionsOptions& options) {
  const double syncs_before = SyncsPerSecond(0.5);
  const std::string url = cluster.NewDatabase();
  server::JobStoreOptions store;
  store.generations_per_tenant = options.callers;
  std::vector<std::unique_ptr<Front>> fronts;
  for (int i = 0; i < options.fronts; ++i) {
    ASSIGN_OR_RETURN(auto front, Front::Open(url, store));
    fronts.push_back(std::move(front));
  }
  std::atomic<bool> stop{false};
  std::atomic<int64_t> done{0};
  std::vector<CallTimes> times(static_cast<size_t>(options.callers));
  double seconds = 0;
  const auto start = steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < options.callers; ++i) {
      threads.emplace_back([&, i] {
        Play(*fronts[static_cast<size_t>(i % options.fronts)], i,
             fmt::format("tenant-{}", i % options.tenants), stop, done,
             times[static_cast<size_t>(i)]);
      });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
    stop = true;
    seconds = SecondsSince(start);
  }
  const double rate = static_cast<double>(done) / seconds;
  std::printf(
      "transitions: %.0f durable ones a second, %d callers, %d tenants, %d fronts; one file is "
      "synced %.0f times a second\n",
      rate, options.callers, options.tenants, options.fronts,
      std::max(syncs_before, SyncsPerSecond(0.5)));
  CallTimes all;
  for (const CallTimes& one : times) {
    all.submit.Add(one.submit);
    all.lease.Add(one.lease);
    all.report.Add(one.report);
    all.finish.Add(one.finish);
  }
  Print("submit", all.submit);
  Print("lease", all.lease);
  Print("report", all.report);
  Print("finish", all.finish);
  fronts.clear();
  cluster.DropDatabase(url);
  return absl::OkStatus();
}

}  // namespace vico::bench
