// Gives a libFuzzer program the option --seeds=FOLDER, which writes the seeds of the target to
// FOLDER and ends the program.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view kOption = "--seeds=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view word = (*argv)[i];
    if (!word.starts_with(kOption)) continue;
    const std::filesystem::path folder = word.substr(kOption.size());
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const std::string& seed : vico::fuzz::Seeds()) {
      std::ofstream(folder / ("seed" + std::to_string(number++)), std::ios::binary) << seed;
    }
    std::_Exit(0);
  }
  return 0;
}
