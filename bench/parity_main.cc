// vico-bench-parity: runs one case of bench/parity and prints one line of JSON with seconds and the
// process's peak memory. The tokenizer's case reads texts from standard input and prints their ids.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/parity.h"

namespace vico::parity {

using worker::ReadTensors;
using worker::WriteTensors;

double Time(int repeats, const std::function<void()>& run) {
  using Clock = std::chrono::steady_clock;
  if (repeats > 0) run();  // warm-up
  const int counted = std::max(repeats, 1);
  const auto begin = Clock::now();
  for (int i = 0; i < counted; ++i) run();
  return std::chrono::duration<double>(Clock::now() - begin).count() / counted;
}

namespace {

/// VmHWM of this process. getrusage's value starts at the parent's.
int64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  const std::string key = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stoll(line.substr(key.size())) * 1024;
  }
  return 0;
}

void Run(const std::string& name, const std::string& input, const std::string& output,
         Request& request) {
  const auto file = SafetensorsFile::Open(input);
  if (!file.ok()) throw std::runtime_error(std::string(file.status().message()));
  request.input = ReadTensors(*file);
  request.text = file->metadata();
  at::set_num_threads(request.threads);
  const Answer answer = name.starts_with("vico") || name.starts_with("mmagic")
                            ? RunVico(name, request)
                            : RunNetwork(name, request);
  const int64_t peak_bytes = PeakBytes();
  const auto written = WriteTensors(output, answer.output, {});
  if (!written.ok()) throw std::runtime_error(std::string(written.message()));
  fmt::print("{{\"seconds\": {:.4f}, \"peak_bytes\": {}}}\n", answer.seconds, peak_bytes);
}

}  // namespace
}  // namespace vico::parity

int main(int argc, char** argv) {
  std::string name, input, output, dtype = "float32";
  vico::parity::Request request;
  CLI::App app("Runs one case of bench/parity.");
  app.add_option("case", name)->required();
  app.add_option("--base-model", request.base_model)->required();
  app.add_option("--input", input);
  app.add_option("--output", output);
  app.add_option("--dtype", dtype)->check(CLI::IsMember({"float32", "bfloat16"}));
  app.add_option("--threads", request.threads)->check(CLI::Range(1, 1024));
  app.add_option("--repeats", request.repeats)->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  if (dtype == "bfloat16") request.dtype = torch::kBFloat16;
  try {
    if (name == "tokenizer") {
      const std::string texts(std::istreambuf_iterator<char>(std::cin), {});
      std::cout << vico::parity::Tokenize(request.base_model, texts) << "\n";
    } else {
      vico::parity::Run(name, input, output, request);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vico-bench-parity: %s: %s\n", name.c_str(), error.what());
    return 1;
  }
}
