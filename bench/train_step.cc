// vico-bench-train-step: measures the seconds of a training step for one setting of threads, rows
// and precision. Prints one line of JSON. The first steps are a warm-up. See bench/README.md.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "worker/engine/loaded_base.h"
#include "worker/io/file.h"
#include "worker/io/image.h"
#include "worker/train/trainer.h"

namespace {

constexpr int64_t kWarmUp = 5;  // steps

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vico-bench-train-step: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string base_model = "toyworld/base", images = "examples/robot", dtype = "float32";
  int threads = 1;
  vico::worker::TrainOptions options;
  options.steps = 25;
  options.batch_size = 4;
  options.init_word = "robot";
  options.attention_learning_rate = 5e-4;
  CLI::App app("Measures the time of ViCo's training step.");
  app.add_option("--base-model", base_model);
  app.add_option("--images", images);
  app.add_option("--init-word", options.init_word);
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024));
  app.add_option("--batch-size", options.batch_size)->check(CLI::Range(1, 256));
  app.add_option("--steps", options.steps)->check(CLI::Range(6, 10000));
  app.add_option("--dtype", dtype)->check(CLI::IsMember({"float32", "bfloat16"}));
  CLI11_PARSE(app, argc, argv);

  at::set_num_threads(threads);
  auto loaded = vico::worker::LoadBase(base_model, "", torch::Device(torch::kCPU), threads);
  if (!loaded.ok()) return Fail(loaded.status());
  if (dtype == "bfloat16") loaded->base.unet->to(at::kBFloat16);
  std::set<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(images)) {
    const auto extension = entry.path().extension();
    if (extension == ".png" || extension == ".jpg") paths.insert(entry.path());
  }
  std::vector<torch::Tensor> squares;
  for (const auto& path : paths) {
    const auto bytes = vico::worker::ReadSmallFile(path);
    if (!bytes.ok()) return Fail(bytes.status());
    auto square = vico::worker::LoadSquare(*bytes, loaded->offer.base_model.resolution());
    if (!square.ok()) return Fail(square.status());
    squares.push_back(*square);
  }
  using Clock = std::chrono::steady_clock;
  auto begin = Clock::now();
  double loss = 0;
  vico::worker::TrainAdapter(loaded->base, torch::stack(squares), options,
                             [&](const vico::worker::StepReport& report, vico::worker::Adapter&) {
                               loss += report.loss / static_cast<double>(options.steps);
                               if (report.step == kWarmUp) begin = Clock::now();
                               return true;
                             });
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count() /
                         static_cast<double>(options.steps - kWarmUp);
  fmt::print(
      "{{\"dtype\": \"{}\", \"threads\": {}, \"batch_size\": {}, \"seconds_per_step\": {:.4f}, "
      "\"loss\": {:.6f}}}\n",
      dtype, threads, options.batch_size, seconds, loss);
}
