#include "server/pictures/child.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vico::server {
namespace {

absl::Status Gone() { return absl::AbortedError("the decoder has ended"); }

/// The attributes and file actions of posix_spawn.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

int Spawn(const std::string& program, const std::string& argument, int socket, pid_t& pid) {
  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(&plan.files, socket, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&plan.files, socket, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&plan.files, STDERR_FILENO + 1);
  // A process group of its own, so that it gets no signals of the server's terminal.
  posix_spawnattr_setflags(&plan.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&plan.attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&plan.attributes, &signals);

  char* const words[] = {const_cast<char*>(program.c_str()),
                         argument.empty() ? nullptr : const_cast<char*>(argument.c_str()), nullptr};
  char* const environment[] = {nullptr};
  return posix_spawn(&pid, program.c_str(), &plan.files, &plan.attributes, words, environment);
}

}  // namespace

absl::StatusOr<Child> Child::Start(const std::string& program, const std::string& argument) {
  // A socket pair, since a write to a pipe without reader raises a signal.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::UnavailableError(fmt::format("no socket for the decoder: {}", strerror(errno)));
  }
  pid_t pid = -1;
  const int error = Spawn(program, argument, ends[1], pid);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return absl::UnavailableError(fmt::format("cannot start {}: {}", program, strerror(error)));
  }
  return Child(pid, ends[0]);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), socket_(std::exchange(other.socket_, -1)) {}

Child::~Child() {
  if (pid_ > 0) End(std::chrono::steady_clock::now());
  if (socket_ >= 0) close(socket_);
}

absl::Status Child::WaitFor(short event, Time deadline) const {
  using std::chrono::milliseconds;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= milliseconds(0)) return absl::DeadlineExceededError("the decoder took too long");
    pollfd waited{socket_, event, 0};
    const int ready = poll(&waited, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return Gone();
  }
}

absl::Status Child::Send(std::span<const std::byte> bytes, Time deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      if (absl::Status waited = WaitFor(POLLOUT, deadline); !waited.ok()) return waited;
    } else {
      return Gone();
    }
  }
  return absl::OkStatus();
}

absl::Status Child::Receive(std::span<std::byte> bytes, Time deadline) {
  while (!bytes.empty()) {
    if (absl::Status waited = WaitFor(POLLIN, deadline); !waited.ok()) return waited;
    const ssize_t got = recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Gone();
    }
  }
  return absl::OkStatus();
}

int Child::End(Time deadline) {
  // Its end of the socket closes when it exits; a kill after that has no effect.
  std::byte ignored;
  Receive({&ignored, 1}, deadline).IgnoreError();
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

}  // namespace vico::server
