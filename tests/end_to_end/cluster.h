// One Vico on this machine: a server, workers and clients as they are installed, on free ports and
// in a folder that goes with the test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/lib/client.h"
#include "tests/end_to_end/processes.h"
#include "tests/support/temp_folder.h"

namespace vico {

/// A tiny base model with random weights: fast, and draws nothing. Made once for a test program.
const std::string& TinyBase();

/// Another one, with other weights; its name is "other".
const std::string& OtherBase();

struct ClusterOptions {
  std::string base_model;                            ///< folder; the tiny base when empty
  std::optional<std::uint64_t> server_largest_file;  ///< bytes; stands for a full disk
  std::string data;                                  ///< the server's folder; made when empty
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options = {});

  /// Free ports at first, the same ones afterwards. False, with the log printed, when it does not
  /// come up.
  bool StartServer();
  /// Waits until the server offers its base model.
  bool StartWorker();
  Process& server() { return *server_; }
  Process& worker() { return *worker_; }

  std::string address() const;
  std::string worker_address() const;  ///< for workers and operators
  std::string folder() const { return folder_.path(); }
  std::string data() const { return data_; }
  std::string server_log() const { return ReadFile(folder_.path() + "/server.log"); }
  std::string worker_log() const { return ReadFile(folder_.path() + "/worker.log"); }

  /// The command that starts the server or worker, for tests that start one of their own.
  std::vector<std::string> ServerCommand() const;
  std::vector<std::string> WorkerCommand(const std::string& base_model) const;

  /// A client of its own connection.
  std::unique_ptr<client::Client> NewClient() const;
  /// The command line tool, run to its end.
  Finished Vico(const std::vector<std::string>& words) const;
  /// Its full command, to start it in the background.
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

/// The pictures of a shipped example concept.
std::vector<std::filesystem::path> ExamplePictures(const std::string& name = "robot");

}  // namespace vico
