#include "tests/fault/load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "common/clock.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "common/status.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_tenant_store.h"
#include "tests/fault/arena/arena.h"
#include "tests/fault/caller.h"
#include "tests/fault/fault_run.h"

namespace vico::fault {
namespace {

using std::chrono::milliseconds;

constexpr int kWatchersPerChannel = 50;
// Open jobs of a tenant; the queue takes 100. Both keep the tenant's queue from running empty.
constexpr int kFewOpen = 6;
constexpr int kManyOpen = 90;
constexpr double kLeastShare = 0.5;  // ended jobs of the slowest tenant over those of the fastest
constexpr int64_t kMostRssMb = 300;
constexpr milliseconds kLongAway{20'000};  // of PostgreSQL

ArenaOptions OptionsOf(const LoadOptions& options) {
  ArenaOptions arena;
  arena.workers = options.workers;
  arena.lease_seconds = options.lease_seconds;
  arena.worker_proxy = std::make_shared<TcpProxy>(ProxyFaults{});
  arena.servers = options.servers;
  if (options.haproxy) arena.proxy = ProxyProgram::kHaproxy;
  if (options.servers > 1) arena.shared = std::make_shared<SharedStore>();
  if (options.wrong_clock) arena.wrong_clock = std::chrono::hours(1);
  return arena;
}

/// A number in /proc/{pid}/status; 0 if the line or the process does not exist.
int64_t StatusOf(pid_t pid, const std::string& key) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::atoll(line.c_str() + key.size() + 1);
  }
  return 0;
}

struct Tenant {
  std::string key;
  int jobs = 0;
  int most_open = kFewOpen;
  std::string concept_name{};
  // Guarded by Load::mutex_, which the annotations cannot name here.
  std::deque<std::string> to_watch{};
  int open = 0;
  int ended = 0;
};

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options), arena_options_(OptionsOf(options)), arena_(arena_options_) {}

  bool Play() {
    if (!arena_.WaitForServer()) return false;
    if (const absl::Status made = MakeTenants(); !made.ok()) {
      std::printf("load: the tenants could not be created: %s\n", made.ToString().c_str());
      return false;
    }
    started_ = std::chrono::steady_clock::now();
    std::jthread alarm([this](const std::stop_token& done) {
      while (!done.stop_requested() && Seconds() < options_.seconds) {
        std::this_thread::sleep_for(milliseconds(100));
      }
      if (!done.stop_requested()) stop_.request_stop();
      changed_.NotifyAll();
    });
    {
      std::jthread disturber([this](const std::stop_token& done) { Disturb(done); });
      std::vector<std::jthread> watchers;
      std::shared_ptr<grpc::Channel> channel;
      for (int i = 0; i < options_.watchers; ++i) {
        if (i % kWatchersPerChannel == 0) channel = NewChannel();
        Tenant& tenant = *tenants_[static_cast<size_t>(i) % tenants_.size()];
        watchers.emplace_back([this, channel, &tenant] { Watch(channel, tenant); });
      }
      std::vector<std::jthread> submitters;
      for (const auto& tenant : tenants_) {
        submitters.emplace_back([this, &tenant] { Submit(*tenant); });
      }
    }
    alarm.request_stop();
    return Judge();
  }

 private:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
  std::shared_ptr<grpc::Channel> NewChannel() const { return Caller::Channel(arena_.address()); }

  absl::StatusOr<std::unique_ptr<server::Database>> OpenDatabase() const {
    if (arena_.shared() == nullptr) {
      return server::SqliteDatabase::Join(arena_.data() + "/vico.db");
    }
    ASSIGN_OR_RETURN(auto database, arena_.shared()->OpenDatabase());
    return std::unique_ptr<server::Database>(std::move(database));
  }

  /// Writes to the database of the running servers, as vico-server's subcommands do.
  absl::Status MakeTenants() {
    ASSIGN_OR_RETURN(const auto database, OpenDatabase());
    const SystemClock clock;
    server::SqlTenantStore store(*database, clock);
    for (int i = 0; i < options_.tenants; ++i) {
      const std::string name = fmt::format("tenant-{}", i);
      RETURN_IF_ERROR(store.Create(name).status());
      ASSIGN_OR_RETURN(const server::CreatedKey created, store.CreateKey(name, v1::KEY_ROLE_USER));
      const bool one_more = i < options_.jobs % options_.tenants;
      tenants_.push_back(std::make_unique<Tenant>(
          Tenant{.key = created.secret.Reveal(),
                 .jobs = options_.jobs / options_.tenants + (one_more ? 1 : 0)}));
    }
    tenants_.front()->most_open = kManyOpen;
    // Until a server has refreshed its cache, it accepts calls without a key.
    const auto jobs = v1::JobService::NewStub(NewChannel());
    int refused = 0;
    const bool known = Eventually([&] {
      grpc::ClientContext context;
      v1::ListJobsResponse response;
      const bool is =
          jobs->ListJobs(&context, {}, &response).error_code() == grpc::StatusCode::UNAUTHENTICATED;
      refused = is ? refused + 1 : 0;
      return refused > 2 * options_.servers;
    });
    return known ? absl::OkStatus() : absl::UnavailableError("the server does not know them");
  }

  void Submit(Tenant& tenant) {
    Caller caller(NewChannel(), recorder_, stop_.get_token(), tenant.key);
    tenant.concept_name = caller.UploadConcept();
    for (int number = 0; number < tenant.jobs && !stop_.stop_requested(); ++number) {
      {
        const MutexLock lock(mutex_);
        changed_.Wait(mutex_,
                      [&] { return tenant.open < tenant.most_open || stop_.stop_requested(); });
        ++tenant.open;
      }
      const std::string request_id = NewId();
      const std::string what = number % 3 == 0 ? tenant.concept_name : "";
      const std::string job = caller.Submit(request_id, what);
      if (number % 4 == 0) caller.Submit(request_id, what);
      if (number % 25 == 0 && !job.empty()) caller.Cancel(job);
      const MutexLock lock(mutex_);
      if (!job.empty()) tenant.to_watch.push_back(job);
      changed_.NotifyAll();
    }
  }

  void Watch(const std::shared_ptr<grpc::Channel>& channel, Tenant& tenant) {
    Caller caller(channel, recorder_, stop_.get_token(), tenant.key);
    for (;;) {
      std::string job;
      {
        const MutexLock lock(mutex_);
        changed_.Wait(mutex_, [&] {
          return !tenant.to_watch.empty() || tenant.ended >= tenant.jobs || stop_.stop_requested();
        });
        if (tenant.to_watch.empty()) return;
        job = tenant.to_watch.front();
        tenant.to_watch.pop_front();
      }
      const bool ended = caller.Watch(job);
      const MutexLock lock(mutex_);
      if (ended) CountEnded(tenant);
      --tenant.open;
      changed_.NotifyAll();
    }
  }

  void CountEnded(Tenant& tenant) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++ended_;
    if (++tenant.ended < tenant.jobs || least_ended_ >= 0) return;
    first_ended_ = tenant.ended;
    least_ended_ = (*std::min_element(tenants_.begin(), tenants_.end(), [](auto& a, auto& b) {
                     return a->ended < b->ended;
                   }))->ended;
  }

  /// Spreads kills and partitions evenly over the ended jobs, not over time.
  void Disturb(const std::stop_token& done) {
    std::mt19937 random(1);
    while (!done.stop_requested() && !stop_.stop_requested()) {
      {
        const MutexLock lock(mutex_);
        changed_.WaitFor(mutex_, milliseconds(100), [this] { return ended_ >= options_.jobs; });
        if (ended_ >= options_.jobs) return;
      }
      const int ended = ended_;
      const auto due = [&](int times) {
        return (times * ended + options_.jobs - 1) / options_.jobs;
      };
      for (; worker_kills_ < due(options_.worker_kills); ++worker_kills_) {
        arena_.KillWorker(static_cast<int>(random() % static_cast<unsigned>(options_.workers)));
      }
      for (; server_kills_ < due(options_.server_kills); ++server_kills_) {
        arena_.KillServer(server_kills_ % options_.servers);
      }
      for (; server_drains_ < due(options_.server_drains); ++server_drains_) {
        arena_.SignalServer(SIGTERM, server_drains_ % options_.servers);
      }
      for (; partitions_ < due(options_.partitions); ++partitions_) {
        arena_options_.worker_proxy->Partition(/*refuse=*/true);
        std::this_thread::sleep_for(milliseconds(partitions_ % 2 == 0 ? 300 : 1500));
        arena_options_.worker_proxy->Partition(/*refuse=*/false);
      }
      for (; database_kills_ < due(options_.database_kills); ++database_kills_) {
        arena_.shared()->KillDatabase(database_kills_ == 0 ? kLongAway : milliseconds(500));
      }
      for (; bucket_outages_ < due(options_.bucket_outages); ++bucket_outages_) {
        arena_.shared()->TakeBucketAway(
            bucket_outages_ % 2 == 0 ? SharedStore::Outage::kAway : SharedStore::Outage::kBusy,
            milliseconds(1500));
      }
      for (int i = 0; i < options_.servers; ++i) {
        const pid_t server = arena_.server_pid(i);
        most_rss_mb_ = std::max(most_rss_mb_, StatusOf(server, "VmHWM") / 1024);
        most_threads_ = std::max(most_threads_, StatusOf(server, "Threads"));
      }
    }
  }

  bool Judge() {
    const double seconds = Seconds();
    const int servers = arena_.server_starts();
    const int workers = arena_.worker_starts();
    const auto exit_code = arena_.Stop();
    const MutexLock lock(mutex_);
    const RunOutcome outcome = JudgeRun(
        arena_, recorder_.Take(), {.lease_us = static_cast<int64_t>(options_.lease_seconds * 1e6)});
    std::printf(
        "load: %d of %d jobs of %d tenants ended in %.1f s (%.1f jobs/s), %d watchers, %d worker "
        "kills, %d server kills, %d partitions (%d workers and %d servers were started)\n"
        "load: %d servers, %d drains, %d database kills, %d bucket outages\n"
        "load: %d jobs with another attempt, %d answers ABORTED, %zu violations; failed: %s\n"
        "load: when the first tenant had all its %d jobs, the last had %d (at least %.0f %%)\n"
        "load: server RSS at most %lld MiB, at most %lld threads\n",
        ended_.load(), options_.jobs, options_.tenants, seconds, ended_ / seconds,
        options_.watchers, worker_kills_, server_kills_, partitions_, workers, servers,
        options_.servers, server_drains_, database_kills_, bucket_outages_, outcome.requeued,
        outcome.aborted, outcome.violations.size(), FailuresText(outcome).c_str(), first_ended_,
        least_ended_, kLeastShare * 100, static_cast<long long>(most_rss_mb_),
        static_cast<long long>(most_threads_));
    for (size_t i = 0; i < outcome.violations.size() && i < 20; ++i) {
      std::printf("  %s\n", outcome.violations[i].c_str());
    }
    return outcome.violations.empty() && outcome.failed.empty() && ended_ == options_.jobs &&
           exit_code == 0 && most_rss_mb_ <= kMostRssMb &&
           least_ended_ >= kLeastShare * first_ended_;
  }

  const LoadOptions options_;
  const ArenaOptions arena_options_;
  Arena arena_;
  HistoryRecorder recorder_;
  std::stop_source stop_;
  std::vector<std::unique_ptr<Tenant>> tenants_;
  std::chrono::steady_clock::time_point started_;
  std::atomic<int> ended_{0};
  // Disturb() alone writes these; Judge() reads them after its end.
  int worker_kills_ = 0;
  int server_kills_ = 0;
  int partitions_ = 0;
  int server_drains_ = 0;
  int database_kills_ = 0;
  int bucket_outages_ = 0;
  int64_t most_rss_mb_ = 0;
  int64_t most_threads_ = 0;
  Mutex mutex_;
  CondVar changed_;
  // Ended jobs of the fastest tenant when it had ended all of its jobs, and of the slowest tenant
  // at that time; -1 before.
  int first_ended_ ABSL_GUARDED_BY(mutex_) = 0;
  int least_ended_ ABSL_GUARDED_BY(mutex_) = -1;
};

}  // namespace

bool PlayLoad(const LoadOptions& options) { return Load(options).Play(); }

}  // namespace vico::fault
