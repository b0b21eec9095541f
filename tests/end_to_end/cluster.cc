#include "tests/end_to_end/cluster.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/crypto/random_bits.h"

namespace vico::end_to_end {
namespace {

constexpr auto kStartPatience = std::chrono::seconds(60);

std::string CreateBase(const std::string& path, const std::vector<std::string>& more) {
  std::vector<std::string> command = {VICO_TINY_BASE_BINARY, path};
  command.insert(command.end(), more.begin(), more.end());
  const Finished made = RunToEnd(command);
  if (made.exit_code != 0) {
    std::cerr << made.err;
    std::abort();
  }
  return path;
}

}  // namespace

const std::string& TinyBase() {
  static const TempFolder folder;
  static const std::string base = CreateBase(folder.path() + "/tiny", {});
  return base;
}

const std::string& OtherBase() {
  static const TempFolder folder;
  static const std::string base = [] {
    std::string path = CreateBase(folder.path() + "/other", {"--seed", "2"});
    auto description = nlohmann::json::parse(ReadFile(path + "/vico.json"));
    description["name"] = "other";
    WriteFile(path + "/vico.json", description.dump());
    return path;
  }();
  return base;
}

Cluster::Cluster(ClusterOptions options)
    : options_(std::move(options)),
      data_(options_.data.empty() ? folder_.path() + "/data" : options_.data) {}

std::vector<std::string> Cluster::ServerCommand() const {
  return {VICO_SERVER_BINARY,
          "--data",
          data_,
          "--listen",
          address(),
          "--worker-listen",
          worker_address(),
          "--drain-notice-seconds=0",
          "--min-free-share=0",
          "--min-free-bytes=0",
          "--lease-seconds",
          "3"};
}

std::vector<std::string> Cluster::WorkerCommand(const std::string& base_model) const {
  return {VICO_WORKER_BINARY,
          "--server",
          worker_address(),
          "--base-model",
          base_model,
          "--threads",
          "1",
          "--hang-seconds",
          "10"};
}

bool Cluster::StartServer() {
  const std::string ports = data_ + "/ports.json";
  std::filesystem::remove(ports);  // a server that was killed has left its file
  ProcessOptions options;
  options.out = options.err = folder_.path() + "/server.log";
  options.largest_file = options_.server_largest_file;
  server_ = std::make_unique<Process>(ServerCommand(), options);
  const bool up = Eventually([&] { return std::filesystem::exists(ports) || !server_->Running(); },
                             kStartPatience);
  if (!up || !std::filesystem::exists(ports)) {
    std::cerr << server_log();
    return false;
  }
  const auto json = nlohmann::json::parse(ReadFile(ports));
  client_port_ = json.at("client_port").get<int>();
  worker_port_ = json.at("worker_port").get<int>();
  return true;
}

bool Cluster::StartWorker() {
  ProcessOptions options;
  options.out = options.err = folder_.path() + "/worker.log";
  worker_ = std::make_unique<Process>(
      WorkerCommand(options_.base_model.empty() ? TinyBase() : options_.base_model), options);
  const auto client = NewClient();
  const auto offered = [&] {
    const auto models = client->ListBaseModels();
    return models.ok() && std::any_of(models->begin(), models->end(),
                                      [](const v1::BaseModel& model) { return model.available(); });
  };
  Eventually([&] { return offered() || !worker_->Running(); }, kStartPatience);
  if (offered()) return true;
  std::cerr << worker_log();
  return false;
}

pid_t Cluster::EnginePid() const {
  // A child belongs to the thread that started it.
  const std::string threads = fmt::format("/proc/{}/task", worker_->pid());
  for (const auto& thread : std::filesystem::directory_iterator(threads)) {
    const std::string children = ReadFile(thread.path().string() + "/children");
    if (!children.empty()) return std::stoi(children);
  }
  return 0;
}

std::string Cluster::address() const { return fmt::format("127.0.0.1:{}", client_port_); }

std::string Cluster::worker_address() const { return fmt::format("127.0.0.1:{}", worker_port_); }

std::unique_ptr<client::Client> Cluster::NewClient() const {
  client::ClientOptions options;
  options.server = address();
  return *client::Client::Open(options, RandomBits);
}

std::vector<std::string> Cluster::VicoCommand(const std::vector<std::string>& words) const {
  std::vector<std::string> command = {VICO_BINARY, "--server", address()};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

Finished Cluster::Vico(const std::vector<std::string>& words) const {
  return RunToEnd(VicoCommand(words));
}

std::vector<std::filesystem::path> ExamplePictures(const std::string& name) {
  std::vector<std::filesystem::path> pictures;
  for (const auto& entry : std::filesystem::directory_iterator("examples/" + name)) {
    if (entry.path().extension() == ".png") pictures.push_back(entry.path());
  }
  std::sort(pictures.begin(), pictures.end());
  return pictures;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace vico::end_to_end
