#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "bench/queue/front.h"
#include "bench/queue/measurements.h"
#include "bench/queue/times.h"
#include "common/mutex.h"
#include "common/status.h"

namespace vico::bench {
namespace {

constexpr int kReports = 500;
constexpr std::chrono::milliseconds kBetween{12};
constexpr std::chrono::seconds kPatience{5};

absl::StatusOr<server::Grant> LeaseNew(Front& front, const std::string& name) {
  RETURN_IF_ERROR(front.jobs().Submit(GenerationOf("tenant-" + name, name)).status());
  ASSIGN_OR_RETURN(const auto grants, front.jobs().Lease(LeaseOf(name, name)));
  if (grants.empty()) return absl::InternalError("no job was leased");
  return grants.front();
}

/// Reports again and again until `stop`.
void Report(Front& front, const server::Grant& grant, const std::atomic<bool>& stop,
            std::atomic<int64_t>& reports) {
  for (uint64_t number = 1; !stop; ++number) {
    if (front.jobs().Report(ReportOf(grant, number)).ok()) ++reports;
  }
}

}  // namespace

absl::Status MeasureWakeUps(PostgresCluster& cluster, int callers) {
  const std::string url = cluster.NewDatabase();
  {
    ASSIGN_OR_RETURN(const auto here, Front::Open(url));
    ASSIGN_OR_RETURN(const auto there, Front::Open(url));
    ASSIGN_OR_RETURN(const server::Grant grant, LeaseNew(*here, "watched"));
    std::vector<server::Grant> others;
    for (int i = 0; i < callers; ++i) {
      ASSIGN_OR_RETURN(server::Grant other, LeaseNew(*here, fmt::format("other-{}", i)));
      others.push_back(std::move(other));
    }
    Mutex mutex;
    CondVar woken;
    bool is_woken = false;
    steady_clock::time_point committed;
    steady_clock::time_point woke;
    // The feed of the front that commits runs this right after the commit.
    const auto commits =
        here->feed().WatchJob(grant.job.name(), [&] { committed = steady_clock::now(); });
    const auto watch = there->feed().WatchJob(grant.job.name(), [&] {
      const MutexLock lock(mutex);
      if (!is_woken) woke = steady_clock::now();
      is_woken = true;
      woken.NotifyAll();
    });
    std::atomic<bool> stop{false};
    std::atomic<int64_t> reports{0};
    Times times;
    int lost = 0;
    const auto start = steady_clock::now();
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < others.size(); ++i) {
        threads.emplace_back(
            [&, i] { Report(i % 2 == 0 ? *here : *there, others[i], stop, reports); });
      }
      for (int i = 1; i <= kReports; ++i) {
        {
          const MutexLock lock(mutex);
          is_woken = false;
        }
        const auto reported =
            here->jobs().Report(ReportOf(grant, static_cast<uint64_t>(i))).status();
        if (!reported.ok()) {
          stop = true;
          return reported;
        }
        {
          const MutexLock lock(mutex);
          if (woken.WaitFor(mutex, kPatience, [&] { return is_woken; })) {
            times.Add(std::chrono::duration<double, std::milli>(woke - committed).count());
          } else {
            ++lost;
          }
        }
        std::this_thread::sleep_for(kBetween);
      }
      stop = true;
    }
    std::printf(
        "wake-ups: p50 %.2f ms, p99 %.2f ms after the commit, at another front (%d reports, %d "
        "lost; "
        "%.0f other reports a second)\n",
        times.Quantile(0.5), times.Quantile(0.99), kReports, lost,
        static_cast<double>(reports) / SecondsSince(start));
  }
  cluster.DropDatabase(url);
  return absl::OkStatus();
}

}  // namespace vico::bench
