// Real programs as child processes: started, watched, killed and always reaped.
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
  std::string out;  ///< file that standard output is added to; empty: this process's
  std::string err;  ///< the same for standard error; may be the same file
  std::map<std::string, std::string> environment;  ///< on top of this process's
  std::optional<std::uint64_t> largest_file;       ///< bytes; a write beyond it fails
};

/// A child; it gets SIGKILL when this goes away, or when the test dies.
class Process {
 public:
  /// Exit code 127 when there is no such program.
  explicit Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  /// SIGKILL, and gone when this returns.
  void Kill();
  /// Exit code, or 128 + signal; none when it still runs after `patience`.
  std::optional<int> Wait(std::chrono::milliseconds patience);
  bool Running();

 private:
  void Reap(int flags);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

struct Finished {
  int exit_code = -1;  ///< -1: ran past the patience and was killed
  std::string out;
  std::string err;
};

/// Runs a program to its end.
Finished RunToEnd(const std::vector<std::string>& command,
                  std::chrono::milliseconds patience = std::chrono::minutes(2));

/// Asks again and again, a few milliseconds apart, until `holds` or the patience is over.
bool Eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds patience = std::chrono::seconds(60));

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);

}  // namespace vico
