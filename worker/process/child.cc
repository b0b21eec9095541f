#include "worker/process/child.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vico::worker {
namespace {

// Runs in the child between fork and exec, where only async-signal-safe calls are allowed.
[[noreturn]] void Become(char* const* words, int socket, pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
  if (socket == kChildSocket) {
    fcntl(socket, F_SETFD, 0);
  } else if (dup2(socket, kChildSocket) < 0) {
    _exit(127);
  }
  execv(words[0], words);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Child>> Child::Start(const std::vector<std::string>& command) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return absl::UnavailableError(
        fmt::format("cannot create a socket pair: {}", std::strerror(errno)));
  }
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(words.data(), pair[1], parent);
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    return absl::UnavailableError(fmt::format("cannot create a process: {}", std::strerror(errno)));
  }
  return std::unique_ptr<Child>(new Child(pid, pair[0]));
}

Child::~Child() { End(); }

std::string Child::End() {
  if (!how_it_ended_.empty()) return how_it_ended_;
  int status = 0;
  // A child that is ending by itself is not killed, so that its own exit status is reported. Its
  // socket closes shortly before waitpid() returns it.
  pid_t ended = 0;
  for (int i = 0; i < 20 && ended == 0; ++i) {
    ended = waitpid(pid_, &status, WNOHANG);
    if (ended == 0 && i > 0) usleep(5'000);
  }
  if (ended == 0) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  how_it_ended_ = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                      : fmt::format("exit code {}", WEXITSTATUS(status));
  return how_it_ended_;
}

}  // namespace vico::worker
