// vico-tiny-base DIR [--seed N]: writes a tiny base model for end-to-end tests.
#include <cstdint>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/support/tiny_base.h"

int main(int argc, char** argv) {
  CLI::App app("Writes a tiny base model with random weights");
  std::string directory;
  uint64_t seed = 0;
  app.add_option("directory", directory, "Directory to write")->required();
  app.add_option("--seed", seed, "Seed of the weights");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = vico::WriteTinyBase(directory, seed);
  if (status.ok()) return 0;
  std::cerr << "vico-tiny-base: " << status.message() << "\n";
  return 1;
}
