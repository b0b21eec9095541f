#include "common/failpoint.h"

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/status.h"

namespace vico {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<int64_t> CodeNumber(std::string_view name) {
  for (int code = 1; code <= 16; ++code) {
    if (absl::StatusCodeToString(static_cast<absl::StatusCode>(code)) == name) return code;
  }
  return std::nullopt;
}

// "sleep(20)" -> "sleep" and "20"
std::pair<std::string_view, std::string_view> Split(std::string_view action) {
  const size_t open = action.find('(');
  if (open == std::string_view::npos || action.back() != ')') return {action, ""};
  return {action.substr(0, open), action.substr(open + 1, action.size() - open - 2)};
}

std::optional<Failpoints::Armed> ParseAction(std::string_view text) {
  using Action = Failpoints::Action;
  Failpoints::Armed armed;
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    const auto hit = Number(text.substr(at + 1));
    if (!hit || *hit < 1) return std::nullopt;
    armed.hit = static_cast<int>(*hit);
    text = text.substr(0, at);
  }
  if (text.empty()) return std::nullopt;
  armed.text = std::string(text);
  const auto [verb, argument] = Split(text);
  if (verb == "kill9" && argument.empty()) return armed;
  std::optional<int64_t> value;
  if (verb == "applied_then_error" && argument.empty()) {
    armed.action = Action::kError;
    value = static_cast<int64_t>(absl::StatusCode::kUnavailable);
  } else if (verb == "error") {
    armed.action = Action::kError;
    value = CodeNumber(argument);
  } else if (verb == "sleep") {
    armed.action = Action::kSleep;
    value = Number(argument);
  } else if (verb == "torn") {
    armed.action = Action::kTear;
    value = Number(argument);
  }
  if (!value) return std::nullopt;
  armed.argument = *value;
  return armed;
}

Failpoints& OfThisProcess() {
  static Failpoints failpoints = [] {
    auto armed = Failpoints::Parse(FromEnvironment("VICO_FAILPOINTS"));
    if (!armed.ok()) {
      std::fprintf(stderr, "%s\n", std::string(armed.status().message()).c_str());
      std::abort();
    }
    return Failpoints(*std::move(armed), FromEnvironment("VICO_FAILPOINT_HITS"));
  }();
  return failpoints;
}

}  // namespace

absl::StatusOr<std::map<std::string, Failpoints::Armed, std::less<>>> Failpoints::Parse(
    std::string_view spec) {
  std::map<std::string, Armed, std::less<>> all;
  while (!spec.empty()) {
    const size_t end = spec.find(';');
    const std::string_view entry = spec.substr(0, end);
    spec = end == std::string_view::npos ? std::string_view() : spec.substr(end + 1);
    const size_t equals = entry.find('=');
    const auto armed = equals == std::string_view::npos || equals == 0
                           ? std::nullopt
                           : ParseAction(entry.substr(equals + 1));
    if (!armed) {
      return FieldError("VICO_FAILPOINTS",
                        fmt::format("must be name=action@n;..., got '{}'", entry));
    }
    all[std::string(entry.substr(0, equals))] = *armed;
  }
  return all;
}

void Failpoints::Note(const std::string& line) const {
  if (hits_file_.empty()) return;
  const int fd = open(hits_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const std::string whole = line + "\n";
  if (write(fd, whole.data(), whole.size()) < 0) std::perror("failpoint hits");
  close(fd);
}

/// Whether no other process with the same hits file has run the action yet.
bool Failpoints::Claim(std::string_view name) const {
  if (hits_file_.empty()) return true;
  const std::string mark = fmt::format("{}.{}", hits_file_, name);
  const int fd = open(mark.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/// Counts a hit and returns the action that it triggers, or nullptr.
const Failpoints::Armed* Failpoints::Count(std::string_view name) {
  int hit = 0;
  {
    const MutexLock lock(mutex_);
    const auto found = hits_.try_emplace(std::string(name), 0).first;
    hit = ++found->second;
  }
  if (hit == 1) Note(std::string(name));
  const auto armed = armed_.find(name);
  if (armed == armed_.end() || armed->second.hit != hit) return nullptr;
  if (!Claim(name)) return nullptr;
  Note(fmt::format("{} {}", name, armed->second.text));
  return &armed->second;
}

absl::Status Failpoints::Hit(std::string_view name) {
  const Armed* armed = Count(name);
  if (armed == nullptr) return absl::OkStatus();
  switch (armed->action) {
    case Action::kKill:
      raise(SIGKILL);
      break;
    case Action::kSleep:
      std::this_thread::sleep_for(std::chrono::milliseconds(armed->argument));
      break;
    case Action::kError:
      return {static_cast<absl::StatusCode>(armed->argument), fmt::format("failpoint {}", name)};
    case Action::kTear:
      break;
  }
  return absl::OkStatus();
}

std::string_view Failpoints::Tear(std::string_view name, std::string_view bytes) {
  const Armed* armed = Count(name);
  if (armed == nullptr || armed->action != Action::kTear) return bytes;
  return bytes.substr(0, static_cast<size_t>(armed->argument));
}

absl::Status HitFailpoint(std::string_view name) { return OfThisProcess().Hit(name); }

std::string_view TearAtFailpoint(std::string_view name, std::string_view bytes) {
  return OfThisProcess().Tear(name, bytes);
}

}  // namespace vico
