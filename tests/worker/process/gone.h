// Waits for the end of a process.
#pragma once

#include <chrono>
#include <csignal>
#include <thread>

#include <sys/types.h>

namespace vico::worker {

/// Waits up to 20 s until the process has ended and its parent has taken note of that.
inline bool IsGone(pid_t pid) {
  for (int i = 0; i < 2000 && kill(pid, 0) == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return kill(pid, 0) != 0;
}

}  // namespace vico::worker
