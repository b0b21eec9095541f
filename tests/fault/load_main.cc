// vico-fault-load: many jobs while workers and servers are killed; prints what it measured and
// judges it by the checker. Exit code 1 when a promise was broken or a bound exceeded. Source:
// reliability.md section 14, L1.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "common/ids.h"
#include "tests/fault/arena.h"
#include "tests/fault/caller.h"
#include "tests/fault/fault_run.h"

namespace vico {
namespace {

using std::chrono::milliseconds;

constexpr int kWatchersAChannel = 50;
constexpr int kSubmitters = 8;
constexpr int kOpenJobs = 80;  // submitted and not ended, at most: the queue's limit is 100
constexpr int64_t kMostRssMb = 300;

struct LoadOptions {
  int jobs = 600;
  int workers = 8;
  int watchers = 100;
  int worker_kills = 12;
  int server_kills = 4;
  double seconds = 170;  ///< the whole run may take
};

ArenaOptions OptionsOf(const LoadOptions& options) {
  ArenaOptions arena;
  arena.workers = options.workers;
  return arena;
}

/// A line of /proc/{pid}/status as a number; 0 when there is none.
int64_t StatusOf(pid_t pid, const std::string& key) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::atoll(line.c_str() + key.size() + 1);
  }
  return 0;
}

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options), arena_(OptionsOf(options)) {}

  /// 0 when all is well.
  int Play() {
    if (!arena_.WaitForServer()) return 1;
    started_ = std::chrono::steady_clock::now();
    std::jthread alarm([this](const std::stop_token& done) {
      while (!done.stop_requested() && Seconds() < options_.seconds) {
        std::this_thread::sleep_for(milliseconds(100));
      }
      if (!done.stop_requested()) stop_.request_stop();
      changed_.notify_all();
    });
    {
      Caller caller(NewChannel(), book_, stop_.get_token());
      concept_ = caller.UploadConcept();
    }
    {
      std::jthread disturber([this](const std::stop_token& done) { Disturb(done); });
      std::vector<std::jthread> watchers;
      std::shared_ptr<grpc::Channel> channel;
      for (int i = 0; i < options_.watchers; ++i) {
        if (i % kWatchersAChannel == 0) channel = NewChannel();
        watchers.emplace_back([this, channel] { Watch(channel); });
      }
      std::vector<std::jthread> submitters;
      for (int i = 0; i < kSubmitters; ++i) submitters.emplace_back([this] { Submit(); });
    }
    alarm.request_stop();
    return Judge();
  }

 private:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
  std::shared_ptr<grpc::Channel> NewChannel() const { return Caller::Channel(arena_.address()); }

  void Submit() {
    Caller caller(NewChannel(), book_, stop_.get_token());
    while (!stop_.stop_requested()) {
      const int number = next_++;
      if (number >= options_.jobs) break;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return open_ < kOpenJobs || stop_.stop_requested(); });
        ++open_;
      }
      const std::string request_id = NewId();
      const std::string what = number % 3 == 0 ? concept_ : "";
      const std::string job = caller.Submit(request_id, what);
      if (number % 4 == 0) caller.Submit(request_id, what);
      if (number % 25 == 0 && !job.empty()) caller.Cancel(job);
      const std::lock_guard lock(mutex_);
      if (!job.empty()) to_watch_.push_back(job);
      changed_.notify_all();
    }
  }

  void Watch(const std::shared_ptr<grpc::Channel>& channel) {
    Caller caller(channel, book_, stop_.get_token());
    for (;;) {
      std::string job;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] {
          return !to_watch_.empty() || ended_ >= options_.jobs || stop_.stop_requested();
        });
        if (to_watch_.empty()) return;
        job = to_watch_.back();
        to_watch_.pop_back();
      }
      const bool ended = caller.Watch(job);
      const std::lock_guard lock(mutex_);
      if (ended) ++ended_;
      --open_;
      changed_.notify_all();
    }
  }

  /// Kills are spread evenly over the jobs, not over the time.
  void Disturb(const std::stop_token& done) {
    std::mt19937 random(1);
    while (!done.stop_requested() && !stop_.stop_requested()) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, milliseconds(100));
        if (ended_ >= options_.jobs) return;
      }
      const int ended = ended_;
      const auto due = [&](int kills) {
        return (kills * ended + options_.jobs - 1) / options_.jobs;
      };
      for (; worker_kills_ < due(options_.worker_kills); ++worker_kills_) {
        arena_.KillWorker(static_cast<int>(random() % static_cast<unsigned>(options_.workers)));
      }
      for (; server_kills_ < due(options_.server_kills); ++server_kills_) arena_.KillServer();
      const pid_t server = arena_.server_pid();
      most_rss_mb_ = std::max(most_rss_mb_, StatusOf(server, "VmHWM") / 1024);
      most_threads_ = std::max(most_threads_, StatusOf(server, "Threads"));
    }
  }

  int Judge() {
    const double seconds = Seconds();
    const int servers = arena_.server_starts();
    const int workers = arena_.worker_starts();
    const auto exit_code = arena_.Stop();
    const RunOutcome outcome = JudgeRun(arena_, book_.Take(), {.lease_us = 1'000'000});
    std::printf(
        "load: %d of %d jobs ended in %.1f s (%.1f jobs/s), %d watchers, %d worker kills, %d "
        "server "
        "kills (%d workers and %d servers were started)\n"
        "load: %d jobs with another attempt, %d answers ABORTED, %zu violations\n"
        "load: server RSS at most %lld MiB, at most %lld threads\n",
        ended_.load(), options_.jobs, seconds, ended_ / seconds, options_.watchers, worker_kills_,
        server_kills_, workers, servers, outcome.requeued, outcome.aborted,
        outcome.violations.size(), static_cast<long long>(most_rss_mb_),
        static_cast<long long>(most_threads_));
    for (size_t i = 0; i < outcome.violations.size() && i < 20; ++i) {
      std::printf("  %s\n", outcome.violations[i].c_str());
    }
    const bool right = outcome.violations.empty() && ended_ == options_.jobs && exit_code == 0 &&
                       most_rss_mb_ <= kMostRssMb;
    return right ? 0 : 1;
  }

  const LoadOptions options_;
  Arena arena_;
  HistoryBook book_;
  std::stop_source stop_;
  std::string concept_;
  std::chrono::steady_clock::time_point started_;
  std::atomic<int> next_{0};
  std::atomic<int> ended_{0};
  int worker_kills_ = 0;  // the disturber's, as the next three; read after its end
  int server_kills_ = 0;
  int64_t most_rss_mb_ = 0;
  int64_t most_threads_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> to_watch_;  // guarded by mutex_
  int open_ = 0;                       // guarded by mutex_
};

}  // namespace
}  // namespace vico

int main(int argc, char** argv) {
  vico::LoadOptions options;
  CLI::App app("Many jobs while workers and servers are killed.");
  app.add_option("--jobs", options.jobs)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--workers", options.workers)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--watchers", options.watchers)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--worker-kills", options.worker_kills)->capture_default_str();
  app.add_option("--server-kills", options.server_kills)->capture_default_str();
  app.add_option("--seconds", options.seconds, "The whole run may take so long")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return vico::Load(options).Play();
}
