#include "tests/fault/arena/arena.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/fault/history/worker_log.h"

namespace vico::fault {
namespace {

constexpr std::chrono::milliseconds kPollInterval{5};
constexpr auto kStopPatience = std::chrono::seconds(30);

}  // namespace

Arena::Arena(ArenaOptions options)
    : options_(std::move(options)),
      servers_(static_cast<size_t>(options_.servers)),
      workers_(static_cast<size_t>(options_.workers)),
      supervisor_([this](const std::stop_token& stop) { Supervise(stop); }) {}

Arena::~Arena() {
  supervisor_.request_stop();
  supervisor_.join();
}

void Arena::Supervise(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      const MutexLock lock(mutex_);
      if (!stopping_) StartMissing();
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  const MutexLock lock(mutex_);
  balancer_.reset();
}

std::string Arena::DataOf(int which) const {
  return which == 0 ? data() : fmt::format("{}-{}", data(), which);
}

void Arena::StartMissing() {
  bool all_listen = true;
  for (int i = 0; i < options_.servers; ++i) {
    Server& server = servers_[static_cast<size_t>(i)];
    if (server.process == nullptr || !server.process->Running()) StartServer(i);
    const std::string ports = DataOf(i) + "/ports.json";
    if (server.ports.client_port == 0 && std::filesystem::exists(ports)) {
      const auto json = nlohmann::json::parse(ReadFile(ports));
      server.ports = {json.at("client_port").get<int>(), json.at("worker_port").get<int>()};
    }
    all_listen = all_listen && server.ports.client_port != 0;
  }
  if (client_port_ == 0 && all_listen) {
    client_port_ = servers_[0].ports.client_port;
    worker_port_ = servers_[0].ports.worker_port;
    if (options_.servers > 1) {
      std::vector<Backend> backends;
      for (const Server& server : servers_) backends.push_back(server.ports);
      balancer_ = std::make_unique<Balancer>(options_.proxy, backends);
      client_port_ = balancer_->client_port();
      worker_port_ = balancer_->worker_port();
    }
    if (options_.worker_proxy) options_.worker_proxy->Forward(worker_port_);
  }
  for (int i = 0; client_port_ != 0 && i < options_.workers; ++i) {
    auto& worker = workers_[static_cast<size_t>(i)];
    if (worker != nullptr && (worker->Running() || abandoned_.contains(i))) continue;
    StartWorker(i);
  }
}

void Arena::StartServer(int which) {
  Server& server = servers_[static_cast<size_t>(which)];
  ProcessOptions process;
  process.out = process.err = folder_.path() + "/log";
  if (options_.shared) process.environment = SharedStore::environment();
  process.environment["VICO_FAILPOINT_HITS"] = folder_.path() + "/hits";
  process.environment["VICO_FAILPOINTS"] = options_.server_failpoints;
  if (options_.wrong_clock.count() != 0 && which == options_.servers - 1) {
    process.environment["LD_PRELOAD"] = VICO_WRONG_CLOCK_LIBRARY;
    process.environment["VICO_WRONG_CLOCK"] = fmt::format("{}", options_.wrong_clock.count());
    process.environment["VICO_WRONG_CLOCK_AFTER"] = "2";
  }
  ++server_starts_;
  const bool right = options_.defect.empty();
  const std::string demanded = right ? VICO_SERVER_BINARY : VICO_DEFECTIVE_SERVER_BINARY;
  std::vector<std::string> command = {server.program.empty() ? demanded : server.program,
                                      "--data",
                                      DataOf(which),
                                      "--listen",
                                      fmt::format("127.0.0.1:{}", server.ports.client_port),
                                      "--worker-listen",
                                      fmt::format("127.0.0.1:{}", server.ports.worker_port),
                                      "--lease-seconds",
                                      fmt::format("{}", options_.lease_seconds)};
  // No rate limits, no check of free disk space, and no wait for a load balancer at the end.
  for (const char* flag : {"--submits-per-second=100000", "--submit-burst=100000",
                           "--watches-per-tenant=1000", "--min-free-share=0", "--min-free-bytes=0",
                           "--drain-notice-seconds=0", "--adapters-per-tenant=0"}) {
    command.emplace_back(flag);
  }
  if (options_.shared) {
    const std::vector<std::string> flags = options_.shared->flags();
    command.insert(command.end(), flags.begin(), flags.end());
  }
  command.insert(command.end(), options_.server_flags.begin(), options_.server_flags.end());
  if (!right) command.insert(command.end(), {"--defect", options_.defect});
  server.process = std::make_unique<Process>(command, process);
}

void Arena::StartWorker(int which) {
  ProcessOptions process;
  process.out = process.err = folder_.path() + "/log";
  process.environment["VICO_FAILPOINT_HITS"] = folder_.path() + "/hits";
  auto& worker = workers_[static_cast<size_t>(which)];
  process.environment["VICO_FAILPOINTS"] = options_.worker_failpoints;
  const int port = options_.worker_proxy ? options_.worker_proxy->port() : worker_port_;
  std::vector<std::string> command = {VICO_FAKE_WORKER_BINARY,
                                      "--server",
                                      fmt::format("127.0.0.1:{}", port),
                                      "--name",
                                      fmt::format("worker-{}-{}", which, ++worker_starts_),
                                      "--records",
                                      records(),
                                      "--step-ms",
                                      fmt::format("{}", options_.step_ms),
                                      "--batch-jobs",
                                      fmt::format("{}", options_.batch_jobs)};
  if (!options_.defect.empty()) command.insert(command.end(), {"--defect", options_.defect});
  worker = std::make_unique<Process>(command, process);
}

bool Arena::WaitForServer() {
  const bool up = Eventually([this] {
    const MutexLock lock(mutex_);
    return client_port_ != 0;
  });
  if (!up) std::cerr << log();
  return up;
}

std::string Arena::address() const {
  const MutexLock lock(mutex_);
  return fmt::format("127.0.0.1:{}", client_port_);
}

std::string Arena::server_address(int which) const {
  const MutexLock lock(mutex_);
  const int port = servers_[static_cast<size_t>(which)].ports.client_port;
  return port == 0 ? "" : fmt::format("127.0.0.1:{}", port);
}

std::vector<std::string> Arena::Hits() const {
  std::vector<std::string> hits;
  std::istringstream text(ReadFile(folder_.path() + "/hits"));
  for (std::string line; std::getline(text, line);) hits.push_back(line);
  return hits;
}

void Arena::SignalServer(int signal, int which) {
  const MutexLock lock(mutex_);
  const auto& server = servers_[static_cast<size_t>(which)].process;
  if (server) server->Signal(signal);
}

void Arena::RunFromNowOn(int which, const std::string& program) {
  const MutexLock lock(mutex_);
  servers_[static_cast<size_t>(which)].program = program;
}

void Arena::Abandon(int which) {
  const MutexLock lock(mutex_);
  abandoned_.insert(which);
}

void Arena::SignalWorker(int which, int signal) {
  const MutexLock lock(mutex_);
  auto& worker = workers_[static_cast<size_t>(which)];
  if (worker) worker->Signal(signal);
}

pid_t Arena::server_pid(int which) {
  const MutexLock lock(mutex_);
  const auto& server = servers_[static_cast<size_t>(which)].process;
  return server ? server->pid() : -1;
}

int Arena::registered() const {
  const auto all = ReadRecords(records());
  return static_cast<int>(std::count_if(all.begin(), all.end(), [](const WorkerRecord& record) {
    return record.what == "register" && record.code == "OK";
  }));
}

int Arena::server_starts() {
  const MutexLock lock(mutex_);
  return server_starts_;
}

int Arena::worker_starts() {
  const MutexLock lock(mutex_);
  return worker_starts_;
}

std::optional<int> Arena::Stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  for (auto& worker : workers_) {
    if (worker) worker->Kill();
  }
  // Of several, one may have been killed a moment ago.
  if (options_.servers > 1) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::erase_if(servers_, [this](const Server& server) {
    return options_.servers > 1 && (!server.process || !server.process->Running());
  });
  for (Server& server : servers_) {
    if (!server.process) return std::nullopt;
    server.process->Signal(SIGTERM);
  }
  std::optional<int> worst = 0;
  for (Server& server : servers_) {
    const auto exit_code = server.process->Wait(kStopPatience);
    server.process->Kill();
    worst = !worst || !exit_code ? std::nullopt : std::optional(std::max(*worst, *exit_code));
  }
  return worst;
}

absl::StatusOr<Snapshot> Arena::Read() const {
  return options_.shared ? options_.shared->Read() : ReadSnapshot(data());
}

}  // namespace vico::fault
