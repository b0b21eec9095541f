// The functions that each fuzz target defines. libFuzzer calls LLVMFuzzerTestOneInput in the preset
// "fuzz". In other builds replay_main.cc calls it with the seeds and variants of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace vico::fuzz {

/// The first inputs: valid ones of every kind, hostile ones, and every input that revealed a bug.
std::vector<std::string> Seeds();

/// Aborts the program unless `holds`; the fuzzer reports that as a bug.
inline void MustHold(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace vico::fuzz
