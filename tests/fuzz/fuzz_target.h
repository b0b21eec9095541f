// What each fuzz target defines. With clang and the preset "fuzz" libFuzzer calls the first; in any
// other build replay_main.cc does, with the seeds and what it makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace vico {

/// Inputs to begin with: good ones of every kind, hostile ones, and all that ever was a bug.
std::vector<std::string> Seeds();

/// Ends the program, as a bug found, unless `holds`.
inline void MustHold(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace vico
