// Preloaded into a program, adds VICO_WRONG_CLOCK seconds to its wall clock, VICO_WRONG_CLOCK_AFTER
// seconds after it has first asked for a time.
#include <cstdlib>
#include <ctime>

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

long NumberIn(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? 0 : std::atol(text);
}

long Uptime() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

long Shift() {
  static const long begin = Uptime() + NumberIn("VICO_WRONG_CLOCK_AFTER");
  static const long shift = NumberIn("VICO_WRONG_CLOCK");
  return Uptime() < begin ? 0 : shift;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long code = syscall(SYS_clock_gettime, clock, now);
  if (code == 0 && clock == CLOCK_REALTIME) now->tv_sec += Shift();
  return static_cast<int>(code);
}

int gettimeofday(timeval* now, void*) noexcept {
  timespec time{};
  if (clock_gettime(CLOCK_REALTIME, &time) != 0) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
