// vico-fault-transitions: durable transitions a second of the embedded queue with many callers,
// beside what this disk does: syncs a second of one small file. Source: reliability.md section 14,
// L4.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/database.h"
#include "server/event_feed.h"
#include "server/job_store_sqlite.h"
#include "tests/support/temp_folder.h"

namespace vico {
namespace {

using std::chrono::steady_clock;

double Since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// Appends of 4 KiB, each synced.
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

/// Submit, lease, report, finish, again and again; counts what was acknowledged.
class Caller {
 public:
  Caller(JobStore& jobs, int number) : jobs_(jobs), number_(number) {}

  void Play(const std::atomic<bool>& stop, std::atomic<int64_t>& done) {
    for (int i = 0; !stop; ++i) {
      SubmitRequest request;
      request.key = {"default", fmt::format("request-{}-{}", number_, i), "hash"};
      request.spec.mutable_generate()->set_base_model("baseModels/toy");
      done += jobs_.Submit(request).ok();
      LeaseQuery query;
      query.worker = fmt::format("worker-{}", number_);
      query.nonce = fmt::format("nonce-{}", i);
      query.base_models = {"baseModels/toy"};
      const auto grants = jobs_.Lease(query);
      if (!grants.ok() || grants->empty()) continue;  // another caller took it
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
  JobStore& jobs_;
  const int number_;
};

int Main(int callers, double seconds, double at_least) {
  const TempFolder folder;
  const double syncs = SyncsPerSecond(folder.path() + "/page", 1);
  const auto database = Database::Open(folder.path() + "/vico.db");
  const SystemClock clock;
  EventFeed feed;
  if (!database.ok()) return 1;
  JobStoreOptions options;
  options.queued_per_tenant = options.queued_total = 1 << 20;
  const auto jobs = SqliteJobStore::Open(**database, clock, feed, options);
  if (!jobs.ok()) return 1;
  std::atomic<bool> stop{false};
  std::atomic<int64_t> done{0};
  const auto start = steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&, i] { Caller(**jobs, i).Play(stop, done); });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
  }
  const double rate = static_cast<double>(done) / Since(start);
  std::printf(
      "transitions: %.0f durable ones a second with %d callers; one file is synced %.0f "
      "times a second here\n",
      rate, callers, syncs);
  return rate >= at_least ? 0 : 1;
}

}  // namespace
}  // namespace vico

int main(int argc, char** argv) {
  int callers = 64;
  double seconds = 5;
  double at_least = 0;
  CLI::App app("Durable transitions a second.");
  app.add_option("--callers", callers)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--seconds", seconds)->check(CLI::Range(0.1, 600.0))->capture_default_str();
  app.add_option("--at-least", at_least, "Fewer a second: exit code 1")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return vico::Main(callers, seconds, at_least);
}
