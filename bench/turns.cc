#include "bench/turns.h"

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "bench/device_work.h"

namespace vico::bench {
namespace {

constexpr int64_t kMib = 1 << 20;

// Reads "VmHWM" or "VmRSS" of this process.
int64_t MemoryKib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1));
  }
  return 0;
}

}  // namespace

void PrintReady() {
  fmt::print("{{\"ready\": true}}\n");
  std::fflush(stdout);
}

std::optional<std::string> Turns::Next() {
  std::string line;
  if (!next_ && std::getline(std::cin, line)) next_ = line;
  return next_;
}

bool Turns::Begin(const std::string& row) {
  if (Next() != row) return false;
  next_.reset();
  std::ofstream("/proc/self/clear_refs") << "5";  // resets VmHWM to VmRSS
  ResetPeak(device_);
  begin_ = std::chrono::steady_clock::now();
  return true;
}

void Turns::End(const std::string& fields) {
  const double enqueued = SecondsSinceBegin();
  WaitFor(device_);
  const double seconds = SecondsSinceBegin();
  const auto device_bytes = PeakBytes(device_);
  fmt::print(
      "{{\"seconds\": {:.6f}, \"enqueued\": {:.6f}, \"peak_mib\": {}, \"rest_mib\": {}, "
      "\"device_peak_mib\": {}{}{}}}\n",
      seconds, enqueued, MemoryKib("VmHWM") / 1024, MemoryKib("VmRSS") / 1024,
      device_bytes ? std::to_string(*device_bytes / kMib) : "null", fields.empty() ? "" : ", ",
      fields);
  std::fflush(stdout);
}

double Turns::SecondsSinceBegin() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

}  // namespace vico::bench
