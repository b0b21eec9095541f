// vico-toyworld-pretrain: trains the tiny base model from random weights, in two stages.
#include <cstdio>
#include <filesystem>
#include <sstream>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <opencv2/core.hpp>

#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"
#include "toyworld/pretraining/autoencoder_stage.h"
#include "toyworld/pretraining/diffusion_stage.h"
#include "toyworld/world/catalogue.h"

int main(int argc, char** argv) {
  using namespace vico::toyworld;
  StageOptions options;
  std::string stage, classes, base, device = "cpu";
  CLI::App app(
      "Trains the tiny base model on newly drawn pictures. Resumes an interrupted training.");
  app.add_option("stage", stage, "autoencoder, diffusion or export")
      ->required()
      ->check(CLI::IsMember({"autoencoder", "diffusion", "export"}));
  app.add_option("--work", options.directory, "folder for checkpoints, logs and contact sheets")
      ->required();
  vico::AddNumber(app, "--steps", options.steps, "total steps", {1, 100'000'000});
  vico::AddNumber(app, "--threads", options.threads, "compute threads", {1, 64});
  vico::AddNumber(app, "--batch", options.batch, "pictures for each thread and step", {1, 4096});
  app.add_option("--device", device,
                 "cpu, or cuda with one compute thread and several drawing threads")
      ->check(CLI::IsMember({"cpu", "cuda"}));
  vico::AddNumber(app, "--drawing-threads", options.drawing_threads,
                  "threads that draw ahead, for each compute thread; 0: it draws itself", {0, 256});
  app.add_option("--classes", classes, "comma-separated; default: all");
  vico::AddNumber(app, "--save-minutes", options.save_minutes, "minutes between checkpoints",
                  {0, 10'000});
  vico::AddNumber(app, "--learning-rate", options.learning_rate,
                  "peak learning rate; 0: the stage's default", {0.0, 0.1});
  app.add_option("--start-from", options.start_from,
                 "base model with the initial weights of a new training; default: random weights");
  app.add_option("--base", base, "export: the base model's directory");
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;

  std::istringstream names(classes);
  for (std::string name; std::getline(names, name, ',');) {
    const int index = ClassIndex(name);
    if (index < 0) {
      std::fprintf(stderr, "--classes: there is no class %s\n", name.c_str());
      return 2;
    }
    options.classes.push_back(index);
  }
  options.device = at::Device(device);
  if (options.device.is_cuda() && !at::hasCUDA()) {
    std::fprintf(stderr, "--device: there is no CUDA device\n");
    return 2;
  }
  at::set_num_threads(1);
  at::globalContext().setFlushDenormal(true);
  cv::setNumThreads(1);
  CatchStopSignals();

  const absl::Status status = stage == "autoencoder" ? TrainAutoencoder(options)
                              : stage == "diffusion" ? TrainDiffusion(options)
                                                     : ExportBase(options, base);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}
