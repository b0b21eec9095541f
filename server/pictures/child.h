// A helper process and the socket to it. The process inherits no descriptor, no environment and no
// signal mask.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/types.h>

namespace vico::server {

/// One thread at a time. The destructor kills and reaps the process.
class Child {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Starts `program` with the socket as its descriptors 0 and 1. `argument` may be empty.
  /// kUnavailable when it cannot be.
  static absl::StatusOr<Child> Start(const std::string& program, const std::string& argument);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// kDeadlineExceeded after `deadline`; kAborted when the process has left.
  absl::Status Send(std::span<const std::byte> bytes, Time deadline);
  absl::Status Receive(std::span<std::byte> bytes, Time deadline);

  /// Waits for it to end, at most until `deadline`, and kills it then. As waitpid has it. Once.
  int End(Time deadline);

 private:
  Child(pid_t pid, int socket) : pid_(pid), socket_(socket) {}
  absl::Status WaitFor(short event, Time deadline) const;

  pid_t pid_;  // -1: reaped
  int socket_;
};

}  // namespace vico::server
