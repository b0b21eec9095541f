// vico-fault-transitions: measures the durable transitions per second of the SQLite queue with many
// callers, beside the syncs per second of one small file on the same disk, and the time of a lease
// with few and with many queued jobs. Exit code 1 if a bound is missed.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/status.h"
#include "server/jobs/event_feed.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_job_store.h"
#include "tests/support/temp_folder.h"

namespace vico::fault {
namespace {

using std::chrono::steady_clock;

double Since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// Appends 4 KiB at a time and syncs each append.
double SyncsPerSecond(const std::string& path, double seconds) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string page(4096, 'x');
  int syncs = 0;
  const auto start = steady_clock::now();
  while (Since(start) < seconds) {
    if (write(fd, page.data(), page.size()) < 0 || fsync(fd) != 0) break;
    ++syncs;
  }
  const double rate = syncs / Since(start);
  close(fd);
  return rate;
}

/// Repeats submit, lease, report and finish, and counts the acknowledged ones.
class Caller {
 public:
  Caller(server::JobStore& jobs, int number) : jobs_(jobs), number_(number) {}

  void Play(const std::atomic<bool>& stop, std::atomic<int64_t>& done) {
    for (int i = 0; !stop; ++i) {
      server::SubmitRequest request;
      request.key = {"default", fmt::format("request-{}-{}", number_, i), "hash"};
      request.spec.mutable_generate()->set_base_model("baseModels/toy");
      done += jobs_.Submit(request).ok();
      server::LeaseQuery query;
      query.worker = fmt::format("worker-{}", number_);
      query.nonce = fmt::format("nonce-{}", i);
      query.base_models = {"baseModels/toy"};
      const auto grants = jobs_.Lease(query);
      if (!grants.ok() || grants->empty()) continue;  // another caller got it
      ++done;
      v1::ReportRequest report;
      report.set_job(grants->front().job.name());
      report.set_lease_id(grants->front().lease_id);
      report.set_report_number(1);
      report.add_events()->mutable_progress()->set_step(1);
      done += jobs_.Report(report).ok();
      v1::FinishRequest finish;
      finish.set_job(report.job());
      finish.set_lease_id(report.lease_id());
      finish.mutable_generated()->add_pictures();
      done += jobs_.Finish(finish).ok();
    }
  }

 private:
  server::JobStore& jobs_;
  const int number_;
};

/// A queue in a folder. Its limits of queued jobs are out of reach.
class Queue {
 public:
  static absl::StatusOr<std::unique_ptr<Queue>> Open(const std::string& folder,
                                                     server::JobStoreOptions options) {
    options.queued_per_tenant = options.queued_total = 1 << 20;
    auto queue = std::make_unique<Queue>();
    ASSIGN_OR_RETURN(queue->database_, server::SqliteDatabase::Open(folder + "/vico.db"));
    ASSIGN_OR_RETURN(queue->jobs_, server::SqlJobStore::Open(*queue->database_, queue->clock_,
                                                             queue->time_, queue->feed_, options));
    return queue;
  }

  server::JobStore& jobs() { return *jobs_; }

 private:
  const SystemClock clock_;
  const server::StoreClock time_{clock_};
  server::EventFeed feed_;
  std::unique_ptr<server::Database> database_;
  std::unique_ptr<server::JobStore> jobs_;
};

struct Transitions {
  double per_second = 0;
  double syncs_per_second = 0;  ///< the larger of the rates before and after
};

absl::StatusOr<Transitions> MeasureTransitions(int callers, double seconds) {
  const TempFolder folder;
  Transitions measured;
  measured.syncs_per_second = SyncsPerSecond(folder.path() + "/page", 0.5);
  server::JobStoreOptions options;
  options.generations_per_tenant = callers;
  ASSIGN_OR_RETURN(const auto queue, Queue::Open(folder.path(), options));
  std::atomic<bool> stop{false};
  std::atomic<int64_t> done{0};
  const auto start = steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&, i] { Caller(queue->jobs(), i).Play(stop, done); });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
  }
  measured.per_second = static_cast<double>(done) / Since(start);
  measured.syncs_per_second =
      std::max(measured.syncs_per_second, SyncsPerSecond(folder.path() + "/page", 0.5));
  return measured;
}

struct LeaseTimes {
  double median_ms = 0;
  double p99_ms = 0;  ///< includes disturbances by other processes
};

/// Measures leases without a disk. The queue has `waiting` older jobs that cannot be leased,
/// because their tenant is at its limit.
absl::StatusOr<LeaseTimes> MeasureLeases(int waiting) {
  constexpr int kLeases = 400;
  const TempFolder folder(TempFolder::InMemory());
  server::JobStoreOptions options;
  options.trainings_per_tenant = 1;
  options.generations_per_tenant = kLeases;
  ASSIGN_OR_RETURN(const auto queue, Queue::Open(folder.path(), options));
  server::LeaseQuery query;
  query.base_models = {"baseModels/toy"};
  for (int i = 0; i <= waiting + kLeases; ++i) {
    server::SubmitRequest request;
    request.key = {"default", fmt::format("request-{}", i), "hash"};
    if (i <= waiting) {
      request.spec.mutable_train()->set_base_model("baseModels/toy");
    } else {
      request.spec.mutable_generate()->set_base_model("baseModels/toy");
    }
    RETURN_IF_ERROR(queue->jobs().Submit(request).status());
  }
  std::vector<double> milliseconds;
  for (int i = 0; i <= kLeases; ++i) {
    query.nonce = fmt::format("nonce-{}", i);
    const auto start = steady_clock::now();
    ASSIGN_OR_RETURN(const auto grants, queue->jobs().Lease(query));
    if (grants.empty()) return absl::InternalError("no job was leased");
    milliseconds.push_back(Since(start) * 1000);
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  return LeaseTimes{.median_ms = milliseconds[milliseconds.size() / 2],
                    .p99_ms = milliseconds[milliseconds.size() * 99 / 100]};
}

absl::StatusOr<bool> Main(int callers, double seconds, double at_least) {
  constexpr int kFew = 100;
  constexpr int kMany = 10'000;
  constexpr double kLargestRatio = 2;
  constexpr double kNoiseMs = 1;
  ASSIGN_OR_RETURN(const Transitions measured, MeasureTransitions(callers, seconds));
  std::printf(
      "transitions: %.0f durable ones a second with %d callers (at least %.0f); one file is synced "
      "%.0f times a second here\n",
      measured.per_second, callers, at_least, measured.syncs_per_second);
  ASSIGN_OR_RETURN(const LeaseTimes few, MeasureLeases(kFew));
  ASSIGN_OR_RETURN(const LeaseTimes many, MeasureLeases(kMany));
  std::printf(
      "leases: median %.2f ms, p99 %.2f ms while %d jobs wait; median %.2f ms, p99 %.2f ms while "
      "%d "
      "do\n",
      few.median_ms, few.p99_ms, kFew, many.median_ms, many.p99_ms, kMany);
  return measured.per_second >= at_least &&
         many.median_ms <= kLargestRatio * few.median_ms + kNoiseMs;
}

}  // namespace
}  // namespace vico::fault

int main(int argc, char** argv) {
  int callers = 64;
  double seconds = 5;
  double at_least = 2000;
  CLI::App app("Measures the durable transitions per second of the queue.");
  app.add_option("--callers", callers)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--seconds", seconds)->check(CLI::Range(0.1, 600.0))->capture_default_str();
  app.add_option("--at-least", at_least, "The smallest rate that passes")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto kept = vico::fault::Main(callers, seconds, at_least);
  if (!kept.ok()) std::fprintf(stderr, "%s\n", kept.status().ToString().c_str());
  return kept.ok() && *kept ? 0 : 1;
}
