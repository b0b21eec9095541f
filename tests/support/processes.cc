#include "tests/support/processes.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_folder.h"

namespace vico {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{5};

void Redirect(int descriptor, const std::string& file) {
  const int target = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (target < 0 || dup2(target, descriptor) < 0) _exit(127);
}

[[noreturn]] void Execute(const std::vector<std::string>& command, const ProcessOptions& options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!options.out.empty()) Redirect(STDOUT_FILENO, options.out);
  if (!options.err.empty()) Redirect(STDERR_FILENO, options.err);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
  if (options.largest_file) {
    signal(SIGXFSZ, SIG_IGN);  // inherited by the program, whose writes then fail with EFBIG
    const rlimit limit{*options.largest_file, *options.largest_file};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

pid_t Spawn(const std::vector<std::string>& command, const ProcessOptions& options) {
  const pid_t pid = fork();
  if (pid < 0) std::abort();
  if (pid == 0) Execute(command, options);
  return pid;
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const ProcessOptions& options)
    : pid_(Spawn(command, options)) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  Kill();
  pid_ = std::exchange(other.pid_, -1);
  exit_code_ = other.exit_code_;
  return *this;
}

Process::~Process() { Kill(); }

void Process::Signal(int signal) const {
  if (pid_ > 0 && !exit_code_) kill(pid_, signal);
}

void Process::Kill() {
  if (pid_ <= 0 || exit_code_) return;
  kill(pid_, SIGKILL);
  Reap(0);
}

void Process::Reap(int flags) {
  if (pid_ <= 0 || exit_code_) return;
  int status = 0;
  if (waitpid(pid_, &status, flags) != pid_) return;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::optional<int> Process::Wait(std::chrono::milliseconds patience) {
  Eventually(
      [this] {
        Reap(WNOHANG);
        return exit_code_.has_value();
      },
      patience);
  return exit_code_;
}

bool Process::Running() {
  Reap(WNOHANG);
  return pid_ > 0 && !exit_code_;
}

Finished RunToEnd(const std::vector<std::string>& command, std::chrono::milliseconds patience,
                  const std::map<std::string, std::string>& environment) {
  const TempFolder folder;
  ProcessOptions options;
  options.out = folder.path() + "/out";
  options.err = folder.path() + "/err";
  options.environment = environment;
  Process process(command, options);
  Finished finished;
  finished.exit_code = process.Wait(patience).value_or(-1);
  process.Kill();
  finished.out = ReadFile(options.out);
  finished.err = ReadFile(options.err);
  return finished;
}

bool Eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
  const auto end = steady_clock::now() + patience;
  while (!holds()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace vico
