// The program vico-server on a data folder, for tests of its disk.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico::server {

/// A server starts, changes its health and ends within this time.
inline constexpr std::chrono::seconds kServerPatience{30};

class ServerProcess {
 public:
  explicit ServerProcess(const std::string& data)
      : data_(data),
        log_(data + ".log"),
        process_(Command(data), {.out = log_, .err = log_, .environment = {}, .largest_file = {}}) {
  }

  static std::vector<std::string> Command(const std::string& data) {
    return {VICO_SERVER_BINARY,
            "--data",
            data,
            "--listen",
            "127.0.0.1:0",
            "--worker-listen",
            "127.0.0.1:0",
            "--drain-notice-seconds",
            "1"};
  }

  Process& process() { return process_; }
  std::string log() const { return ReadFile(log_); }

  /// Whether the health service answers SERVING for the clients' services, or, with an empty name,
  /// for the server as a whole.
  bool IsServing(const std::string& service = "vico.v1.JobService") const {
    const std::string address = Address();
    return !address.empty() &&
           RunToEnd({VICO_HEALTH_BINARY, "--service=" + service, address}).exit_code == 0;
  }

 private:
  std::string Address() const {
    const auto ports = nlohmann::json::parse(ReadFile(data_ + "/ports.json"), nullptr, false);
    if (!ports.is_object()) return "";
    return fmt::format("127.0.0.1:{}", ports.value("client_port", 0));
  }

  const std::string data_;
  const std::string log_;
  Process process_;
};

}  // namespace vico::server
