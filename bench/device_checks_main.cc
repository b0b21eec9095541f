// vico-bench-device: compares another device with the CPU. Reads the name of a check from each line
// of standard input, and prints its difference and bound. The driver is bench/gpu.
#include <cstdio>
#include <string>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/device_checks.h"
#include "bench/turns.h"
#include "worker/engine/devices.h"
#include "worker/engine/loaded_base.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vico-bench-device: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string device_name = "cpu", base_model = "toyworld/base";
  int threads = 2;
  CLI::App app("Compares another device with the CPU, once for each line of standard input.");
  app.add_option("--device", device_name, "cpu, cuda or cuda:N");
  app.add_option("--base-model", base_model);
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);

  at::set_num_threads(threads);
  const auto devices = vico::worker::DevicesNamed(device_name, threads);
  if (!devices.ok()) return Fail(devices.status());
  auto loaded = vico::worker::LoadBase(base_model, "", at::kCPU, threads);
  if (!loaded.ok()) return Fail(loaded.status());
  vico::bench::PrintReady();

  vico::bench::Turns turns(devices->front());
  while (const auto name = turns.Next()) {
    turns.Begin(*name);
    const auto found = vico::bench::CheckDevice(*name, loaded->base, devices->front());
    turns.End(
        fmt::format("\"difference\": {:.6g}, \"bound\": {:.6g}", found.difference, found.bound));
  }
}
