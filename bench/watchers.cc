// vico-bench-watchers: the memory of several servers on one PostgreSQL database while many clients
// watch jobs through a balancer. Exit code 1 if a server needs more than the limit.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/fault/arena/arena.h"
#include "tests/fault/caller.h"

namespace vico::fault {
namespace {

struct Options {
  int servers = 3;
  int watchers = 1'000;
  int jobs = 40;
  int workers = 6;
  double seconds = 30;
  int most_mib = 300;
};

/// A number of KiB in /proc/{pid}/status, in MiB; 0 if there is none.
long MemoryOf(pid_t pid, const std::string& key) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::stol(line.substr(key.size() + 1)) / 1024;
  }
  return 0;
}

int Play(const Options& options) {
  constexpr int kWatchersPerChannel = 50;
  ArenaOptions arena_options;
  arena_options.servers = options.servers;
  arena_options.workers = options.workers;
  arena_options.lease_seconds = 10;
  arena_options.step_ms = 500;
  arena_options.shared = std::make_shared<SharedStore>();
  Arena arena(arena_options);
  if (!arena.WaitForServer()) return 1;
  HistoryRecorder recorder;
  std::stop_source stop;
  std::atomic<int> open{0};
  std::atomic<int> ended{0};
  std::vector<std::string> jobs;
  Caller submitter(arena.address(), recorder, stop.get_token());
  for (int i = 0; i < options.jobs; ++i) {
    jobs.push_back(submitter.Submit(fmt::format("watched-request-{}", i), ""));
  }
  for (int i = 0; i < options.servers; ++i) {
    std::printf("watchers: server %d has %ld MiB before\n", i,
                MemoryOf(arena.server_pid(i), "VmRSS"));
  }
  int most_open = 0;
  {
    std::vector<std::jthread> watchers;
    std::shared_ptr<grpc::Channel> channel;
    for (int i = 0; i < options.watchers; ++i) {
      if (i % kWatchersPerChannel == 0) channel = Caller::Channel(arena.address());
      watchers.emplace_back([&, i, channel] {
        Caller caller(channel, recorder, stop.get_token());
        ++open;
        // The last jobs wait longest, so that they are watched to the end of the run.
        for (size_t job = static_cast<size_t>(i) % jobs.size();
             job < jobs.size() && !stop.stop_requested(); ++job) {
          ended += caller.Watch(jobs[job]);
        }
        --open;
      });
    }
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
    while (std::chrono::steady_clock::now() < end) {
      most_open = std::max(most_open, open.load());
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    std::printf("watchers: %d watched at once, %d at the end; %d watches saw their job's end\n",
                most_open, open.load(), ended.load());
    stop.request_stop();
  }
  long most = 0;
  for (int i = 0; i < options.servers; ++i) {
    const long peak = MemoryOf(arena.server_pid(i), "VmHWM");
    std::printf("watchers: server %d has %ld MiB, at most %ld MiB (limit %d)\n", i,
                MemoryOf(arena.server_pid(i), "VmRSS"), peak, options.most_mib);
    most = std::max(most, peak);
  }
  const bool stopped = arena.Stop() == 0;
  return stopped && most <= options.most_mib && most_open == options.watchers ? 0 : 1;
}

}  // namespace
}  // namespace vico::fault

int main(int argc, char** argv) {
  vico::fault::Options options;
  CLI::App app("Measures the memory of servers whose clients watch jobs.");
  app.add_option("--servers", options.servers)->check(CLI::Range(2, 9))->capture_default_str();
  app.add_option("--watchers", options.watchers)->check(CLI::Range(1, 5000))->capture_default_str();
  app.add_option("--jobs", options.jobs)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--workers", options.workers)->check(CLI::Range(1, 50))->capture_default_str();
  app.add_option("--seconds", options.seconds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return vico::fault::Play(options);
}
