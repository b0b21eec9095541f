// Programs as child processes, which are always killed and reaped.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace vico {

struct ProcessOptions {
  std::string out;  ///< file that standard output is appended to; empty: this process's
  std::string err;  ///< the same for standard error; may be the same file
  std::map<std::string, std::string> environment;  ///< added to this process's environment
  std::optional<std::uint64_t> largest_file;       ///< in bytes; a write beyond it fails
};

/// A child process. It gets SIGKILL from the destructor and when the test dies.
class Process {
 public:
  /// The exit code is 127 if the program does not exist.
  explicit Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  /// Sends SIGKILL and waits for the end.
  void Kill();
  /// Returns the exit code, or 128 + signal; nullopt if the process still runs after `patience`.
  std::optional<int> Wait(std::chrono::milliseconds patience);
  bool Running();

 private:
  void Reap(int flags);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

struct Finished {
  int exit_code = -1;  ///< -1: still ran after `patience` and was killed
  std::string out;
  std::string err;
};

/// Runs a program to its end. `environment` is added to this process's.
Finished RunToEnd(const std::vector<std::string>& command,
                  std::chrono::milliseconds patience = std::chrono::minutes(2),
                  const std::map<std::string, std::string>& environment = {});

/// Polls `holds` every few milliseconds, at most for `patience`. Returns its last value.
bool Eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds patience = std::chrono::seconds(60));

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);

}  // namespace vico
