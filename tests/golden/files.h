// Reads the files of tests/golden/record*.py. Paths are relative to the repository's root, where
// ctest runs the tests.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace vico::golden {

/// The bytes of tests/golden/<name>; throws if the file is missing.
inline std::string ReadFile(const std::string& name) {
  std::ifstream file("tests/golden/" + name, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read tests/golden/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace vico::golden
