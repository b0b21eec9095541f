// Runs a fuzz target without libFuzzer: on its seeds, on truncated seeds, and on seeds with random
// changes from a fixed random seed; or on the files in the arguments.
#include <iterator>
#include <random>

#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {
namespace {

constexpr int kCuts = 24;                      // of one seed
constexpr int kVariants = 150;                 // of one seed
constexpr size_t kLongest = size_t{64} << 10;  // in bytes; longer seeds are not varied

size_t inputs = 0;

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  ++inputs;
}

std::string Changed(std::string input, std::mt19937& random) {
  static constexpr unsigned char kEdges[] = {0, 1, 0x7f, 0x80, 0xff};
  for (unsigned changes = 1 + random() % 4; changes > 0 && !input.empty(); --changes) {
    const size_t at = random() % input.size();
    switch (random() % 4) {
      case 0:
        input[at] = static_cast<char>(input[at] ^ 1 << random() % 8);
        break;
      case 1:
        input[at] = static_cast<char>(kEdges[random() % std::size(kEdges)]);
        break;
      case 2:
        input.erase(at, 1 + random() % 8);
        break;
      default:
        input.insert(at, input.substr(random() % input.size(), 1 + random() % 16));
        break;
    }
  }
  return input;
}

}  // namespace
}  // namespace vico::fuzz

int main(int argc, char** argv) {
  using namespace vico::fuzz;  // NOLINT(google-build-using-namespace): main is part of the target
  for (int i = 1; i < argc; ++i) Run(FileBytes(argv[i]));
  std::mt19937 random(1);
  for (const std::string& seed : argc > 1 ? std::vector<std::string>() : Seeds()) {
    Run(seed);
    if (seed.size() > kLongest) continue;
    for (size_t cut = 0; cut < kCuts; ++cut) Run(seed.substr(0, seed.size() * cut / kCuts));
    for (int i = 0; i < kVariants; ++i) Run(Changed(seed, random));
  }
  std::printf("%zu inputs\n", inputs);
  return inputs > 0 ? 0 : 1;
}
