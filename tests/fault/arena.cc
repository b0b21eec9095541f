#include "tests/fault/arena.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/fault/worker_log.h"

namespace vico::fault {
namespace {

constexpr std::chrono::milliseconds kPollInterval{5};
constexpr auto kStopPatience = std::chrono::seconds(30);

}  // namespace

Arena::Arena(ArenaOptions options)
    : options_(std::move(options)),
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
}

void Arena::StartMissing() {
  if (server_ == nullptr || !server_->Running()) StartServer();
  const std::string ports = data() + "/ports.json";
  if (client_port_ == 0 && std::filesystem::exists(ports)) {
    const auto json = nlohmann::json::parse(ReadFile(ports));
    client_port_ = json.at("client_port").get<int>();
    worker_port_ = json.at("worker_port").get<int>();
    if (options_.worker_proxy) options_.worker_proxy->Forward(worker_port_);
  }
  for (int i = 0; client_port_ != 0 && i < options_.workers; ++i) {
    auto& worker = workers_[static_cast<size_t>(i)];
    if (worker == nullptr || !worker->Running()) StartWorker(i);
  }
}

void Arena::StartServer() {
  ProcessOptions process;
  process.out = process.err = folder_.path() + "/log";
  process.environment["VICO_FAILPOINT_HITS"] = folder_.path() + "/hits";
  process.environment["VICO_FAILPOINTS"] = options_.server_failpoints;
  ++server_starts_;
  const bool right = options_.defect.empty();
  std::vector<std::string> command = {right ? VICO_SERVER_BINARY : VICO_DEFECTIVE_SERVER_BINARY,
                                      "--data",
                                      data(),
                                      "--listen",
                                      fmt::format("127.0.0.1:{}", client_port_),
                                      "--worker-listen",
                                      fmt::format("127.0.0.1:{}", worker_port_),
                                      "--lease-seconds",
                                      fmt::format("{}", options_.lease_seconds)};
  // No rate limits, no check of free disk space, and no wait for a load balancer at the end.
  for (const char* flag : {"--submits-per-second=100000", "--submit-burst=100000",
                           "--watches-per-tenant=1000", "--min-free-share=0", "--min-free-bytes=0",
                           "--drain-notice-seconds=0", "--adapters-per-tenant=0"}) {
    command.emplace_back(flag);
  }
  command.insert(command.end(), options_.server_flags.begin(), options_.server_flags.end());
  if (!right) command.insert(command.end(), {"--defect", options_.defect});
  server_ = std::make_unique<Process>(command, process);
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
                                      fmt::format("{}", options_.step_ms)};
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

std::vector<std::string> Arena::Hits() const {
  std::vector<std::string> hits;
  std::istringstream text(ReadFile(folder_.path() + "/hits"));
  for (std::string line; std::getline(text, line);) hits.push_back(line);
  return hits;
}

void Arena::SignalServer(int signal) {
  const MutexLock lock(mutex_);
  if (server_) server_->Signal(signal);
}

void Arena::SignalWorker(int which, int signal) {
  const MutexLock lock(mutex_);
  auto& worker = workers_[static_cast<size_t>(which)];
  if (worker) worker->Signal(signal);
}

pid_t Arena::server_pid() {
  const MutexLock lock(mutex_);
  return server_ ? server_->pid() : -1;
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
  if (!server_) return std::nullopt;
  server_->Signal(SIGTERM);
  const auto exit_code = server_->Wait(kStopPatience);
  server_->Kill();
  return exit_code;
}

}  // namespace vico::fault
