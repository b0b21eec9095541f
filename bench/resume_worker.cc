// vico-bench-resume: a training of the tiny base model that goes on from a file after it was
// killed. It writes its state every few steps, prints {"step": N} when the state is safe, and at
// the end {"digest": SHA-256 of the adapter, "loss": of the last step, "resumed_at": N}. The driver
// is bench/gpu.
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/toy_training.h"
#include "bench/turns.h"
#include "common/crypto/sha256.h"
#include "common/formats/safetensors.h"
#include "worker/engine/devices.h"
#include "worker/engine/loaded_base.h"
#include "worker/io/tensors.h"

namespace {

using vico::worker::TrainingState;

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vico-bench-resume: %s\n", std::string(status.message()).c_str());
  return 1;
}

void Print(const std::string& json) {
  fmt::print("{}\n", json);
  std::fflush(stdout);
}

absl::Status Save(const TrainingState& state, const std::string& path) {
  const std::string unfinished = path + ".unfinished";
  const auto written =
      vico::worker::WriteTensors(unfinished, state.tensors, {{"step", std::to_string(state.step)}});
  if (written.ok()) std::filesystem::rename(unfinished, path);
  return written;
}

std::optional<TrainingState> Load(const std::string& path) {
  const auto file = vico::SafetensorsFile::Open(path);
  if (!file.ok()) return std::nullopt;
  const int64_t step = std::stoll(file->metadata().at("step"));
  return TrainingState{
      .step = step, .optimizer_steps = step, .tensors = vico::worker::ReadTensors(*file)};
}

}  // namespace

int main(int argc, char** argv) {
  std::string path, device_name = "cpu", base_model = "toyworld/base";
  int64_t steps = 20, every = 5;
  int threads = 2;
  CLI::App app("Trains the tiny base model, and goes on from the file if it exists.");
  app.add_option("file", path, "of the state")->required();
  app.add_option("--device", device_name, "cpu, cuda or cuda:N");
  app.add_option("--base-model", base_model);
  app.add_option("--steps", steps)->check(CLI::Range(1, 10000));
  app.add_option("--every", every, "steps between two states")->check(CLI::Range(1, 10000));
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);

  at::set_num_threads(threads);
  const auto devices = vico::worker::DevicesNamed(device_name, threads);
  if (!devices.ok()) return Fail(devices.status());
  auto loaded = vico::worker::LoadBase(base_model, "", devices->front(), threads);
  if (!loaded.ok()) return Fail(loaded.status());
  const auto state = Load(path);
  std::optional<vico::worker::TrainStart> start;
  if (state) start.emplace(vico::worker::TrainStart{*state});
  vico::bench::PrintReady();

  double loss = 0;
  absl::Status saved;
  const auto adapter = vico::worker::TrainAdapter(
      loaded->base, vico::bench::ToyPictures(), vico::bench::ToyOptions(steps),
      [&](const vico::worker::StepReport& report, vico::worker::Adapter&) {
        loss = report.loss;
        if (report.step % every != 0) return true;
        saved = Save(report.state(), path);
        if (saved.ok()) Print(fmt::format("{{\"step\": {}}}", report.step));
        return saved.ok();
      },
      start ? &*start : nullptr);
  if (!saved.ok()) return Fail(saved);
  const auto bytes = vico::worker::SerializeTensors(adapter->NamedTensors(), {});
  if (!bytes.ok()) return Fail(bytes.status());
  Print(fmt::format("{{\"digest\": \"{}\", \"loss\": {:.9g}, \"resumed_at\": {}}}",
                    vico::Sha256Hex(*bytes), loss, state ? state->step : 0));
}
