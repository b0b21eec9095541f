// A child process that is connected by a socket pair.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <sys/types.h>

#include "worker/process/frame_channel.h"

namespace vico::worker {

/// The descriptor of the child's end of the pair.
inline constexpr int kChildSocket = 3;

class Child {
 public:
  /// Runs `command`, whose first word is the program's path, with this process's environment and
  /// standard streams. The kernel kills the child when the calling thread ends, so call this on a
  /// thread that lives as long as the process. kUnavailable when no process can be made.
  static absl::StatusOr<std::unique_ptr<Child>> Start(const std::vector<std::string>& command);

  /// Kills the child if it still runs, and waits for its end.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  FrameChannel& channel() { return channel_; }
  pid_t pid() const { return pid_; }

  /// Kills the child if it still runs, waits, and returns how it ended: "exit code 3", "signal 9".
  std::string End();

 private:
  Child(pid_t pid, int socket) : pid_(pid), channel_(socket) {}

  const pid_t pid_;
  FrameChannel channel_;
  std::string how_it_ended_;  // empty while it runs
};

}  // namespace vico::worker
