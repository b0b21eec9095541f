// Failpoints: named places where tests make a program die, wait or fail. The macros expand to
// nothing without the CMake option VICO_FAILPOINTS.
//
// VICO_FAILPOINTS="name=action@n;..." arms failpoints. The action runs once, at hit n (from 1).
//   kill9               the process kills itself with SIGKILL
//   error(CODE)         the failpoint returns that absl::StatusCode, for example UNAVAILABLE
//   applied_then_error  error(UNAVAILABLE) at a place where the work is done: the caller gets an
//                       error for a call that took effect
//   sleep(MS)           the failpoint waits MS milliseconds
//   torn(BYTES)         only the first BYTES bytes of the write at that place are written
// VICO_FAILPOINT_HITS names a file. It gains a line "name" at the first hit of a failpoint in a
// process, and "name action" when the action runs. Among the processes that share the file an
// action runs once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"

#ifdef VICO_FAILPOINTS
/// In a function that returns a status.
#define VICO_FAILPOINT(name) RETURN_IF_ERROR(::vico::HitFailpoint(name))
/// The status as a value, for other functions.
#define VICO_FAILPOINT_STATUS(name) ::vico::HitFailpoint(name)
/// `bytes`, or the first part of them if a torn write is armed.
#define VICO_TORN(name, bytes) ::vico::TearAtFailpoint(name, bytes)
#else
#define VICO_FAILPOINT(name) static_cast<void>(0)
#define VICO_FAILPOINT_STATUS(name) ::absl::OkStatus()
#define VICO_TORN(name, bytes) (bytes)
#endif

namespace vico {

/// The failpoints of one process. Any thread.
class Failpoints {
 public:
  enum class Action { kKill, kError, kSleep, kTear };
  struct Armed {
    Action action = Action::kKill;
    int64_t argument = 0;  ///< status code, milliseconds or bytes
    int hit = 1;           ///< the number of the hit at which the action runs
    std::string text;      ///< the action as written
  };

  /// `spec` has the syntax of VICO_FAILPOINTS. kInvalidArgument for any other text.
  static absl::StatusOr<std::map<std::string, Armed, std::less<>>> Parse(std::string_view spec);
  /// `hits_file` may be empty.
  Failpoints(std::map<std::string, Armed, std::less<>> armed, std::string hits_file)
      : armed_(std::move(armed)), hits_file_(std::move(hits_file)) {}

  absl::Status Hit(std::string_view name);
  std::string_view Tear(std::string_view name, std::string_view bytes);

 private:
  const Armed* Count(std::string_view name);
  bool Claim(std::string_view name) const;
  void Note(const std::string& line) const;

  const std::map<std::string, Armed, std::less<>> armed_;
  const std::string hits_file_;
  Mutex mutex_;
  std::map<std::string, int, std::less<>> hits_ ABSL_GUARDED_BY(mutex_);  // by name
};

/// The macros call these. The first call reads the environment and aborts if that is invalid.
absl::Status HitFailpoint(std::string_view name);
std::string_view TearAtFailpoint(std::string_view name, std::string_view bytes);

}  // namespace vico
