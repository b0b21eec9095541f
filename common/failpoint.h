// Named places where tests make a program die, wait or fail, and defects that tests plant to see
// whether they are caught. Compiled in with the CMake option VICO_FAILPOINTS only; without it the
// macros are nothing.
//
// VICO_FAILPOINTS="name=action@n;..." arms places: the action runs at the nth hit (from 1, once).
//   kill9               the process ends at once, as by SIGKILL
//   error(CODE)         the place returns that absl::StatusCode, as UNAVAILABLE
//   applied_then_error  error(UNAVAILABLE) where the work is done already: the caller is told a lie
//   sleep(MS)           the place waits so many milliseconds
//   torn(BYTES)         of the bytes to write at that place only the first so many are written
// VICO_FAILPOINT_HITS names a file that gains a line "name" at a place's first hit in a process,
// and "name action" when its action runs; among the processes that share the file an action runs
// once.
// VICO_DEFECT="name" plants that defect.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#ifdef VICO_FAILPOINTS
/// In a function that returns a status.
#define VICO_FAILPOINT(name) RETURN_IF_ERROR(::vico::HitFailpoint(name))
/// The status itself, for other functions.
#define VICO_FAILPOINT_STATUS(name) ::vico::HitFailpoint(name)
/// `bytes`, or the part of them that is written.
#define VICO_TORN(name, bytes) ::vico::TearAtFailpoint(name, bytes)
#define VICO_DEFECT(name) ::vico::IsPlanted(name)
#else
#define VICO_FAILPOINT(name) static_cast<void>(0)
#define VICO_FAILPOINT_STATUS(name) ::absl::OkStatus()
#define VICO_TORN(name, bytes) (bytes)
#define VICO_DEFECT(name) false
#endif

namespace vico {

/// The armed places of one process. Any thread.
class Failpoints {
 public:
  enum class Action { kKill, kError, kSleep, kTear };
  struct Armed {
    Action action = Action::kKill;
    int64_t argument = 0;  ///< status code, milliseconds or bytes
    int hit = 1;           ///< at which it runs
    std::string text;      ///< as given
  };

  /// `spec` as in VICO_FAILPOINTS; `hits_file` may be empty. kInvalidArgument for a spec that
  /// cannot be read.
  static absl::StatusOr<std::map<std::string, Armed, std::less<>>> Parse(std::string_view spec);
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
  std::mutex mutex_;
  std::map<std::string, int, std::less<>> hits_;  // by place; guarded by mutex_
};

/// What the macros call; the environment is read at the first call and aborts when it is wrong.
absl::Status HitFailpoint(std::string_view name);
std::string_view TearAtFailpoint(std::string_view name, std::string_view bytes);
bool IsPlanted(std::string_view defect);

/// Plants a defect in this process, in place of an earlier one; empty: none.
void Plant(std::string_view defect);

}  // namespace vico
