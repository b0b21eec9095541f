// A server, a worker and clients as processes, on free ports and in a temporary folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/lib/client.h"
#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico::end_to_end {

/// Folder of a tiny base model with random weights, created once per test program. Its pictures are
/// noise.
const std::string& TinyBase();

/// The same with other weights and the name "other".
const std::string& OtherBase();

struct ClusterOptions {
  std::string base_model;                            ///< folder; empty: TinyBase()
  std::optional<std::uint64_t> server_largest_file;  ///< in bytes; simulates a full disk
  std::string data;                                  ///< the server's data folder; empty: a new one
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options = {});

  /// Uses free ports the first time and the same ports later. False if the server does not start;
  /// it prints the log then.
  bool StartServer();
  /// Waits until the server lists the worker's base model as available. False as for StartServer.
  bool StartWorker();
  Process& server() { return *server_; }
  Process& worker() { return *worker_; }

  std::string address() const;
  std::string worker_address() const;  ///< for workers and operators
  std::string folder() const { return folder_.path(); }
  std::string data() const { return data_; }
  std::string server_log() const { return ReadFile(folder_.path() + "/server.log"); }
  std::string worker_log() const { return ReadFile(folder_.path() + "/worker.log"); }

  /// The worker's only child process; 0 if it does not run.
  pid_t EnginePid() const;

  /// The commands that start a server or a worker.
  std::vector<std::string> ServerCommand() const;
  std::vector<std::string> WorkerCommand(const std::string& base_model) const;

  /// A client with its own connection.
  std::unique_ptr<client::Client> NewClient() const;
  /// Runs the command line client to its end.
  Finished Vico(const std::vector<std::string>& words) const;
  /// The command that Vico runs.
  std::vector<std::string> VicoCommand(const std::vector<std::string>& words) const;

 private:
  TempFolder folder_;
  ClusterOptions options_;
  std::string data_;
  int client_port_ = 0;
  int worker_port_ = 0;
  std::unique_ptr<Process> server_;
  std::unique_ptr<Process> worker_;
};

/// The pictures in examples/{name}, sorted.
std::vector<std::filesystem::path> ExamplePictures(const std::string& name = "robot");

/// The first line of the output of a command, where the client prints the name of what it created.
std::string FirstLine(const std::string& text);

}  // namespace vico::end_to_end
