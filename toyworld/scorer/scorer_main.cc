// vico-toyworld-scorer: trains the scorer on newly drawn pairs for a given time, and resumes an
// interrupted run.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <numbers>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <torch/nn/module.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>
#include <torch/serialize/archive.h>

#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"
#include "toyworld/charts/curves.h"
#include "toyworld/scorer/ahead.h"
#include "toyworld/scorer/scorer_training.h"
#include "toyworld/world/random.h"

namespace {

using namespace vico::toyworld;

volatile std::sig_atomic_t stop_requested = 0;

struct Options {
  std::string out = "toyworld/base/scorer.safetensors";
  std::string checkpoint = "scorer.checkpoint";
  int64_t steps = 5000;
  int pairs = 16;
  double peak = 1.5e-3;
  uint64_t seed = 1;
  bool fp32 = false;
  torch::Device device = torch::kCPU;
  int drawing_threads = 0;
};

struct State {
  Scorer scorer;
  std::unique_ptr<torch::optim::AdamW> optimizer;
  int64_t step = 0;
  double seconds = 0;  ///< spent on training so far, over all runs
};

void Save(const State& state, const std::string& path) {
  torch::serialize::OutputArchive archive;
  torch::serialize::OutputArchive optimizer;
  state.scorer->save(archive);
  state.optimizer->save(optimizer);
  archive.write("optimizer", optimizer);
  archive.write("step", torch::tensor(state.step), /*is_buffer=*/true);
  archive.write("seconds", torch::tensor(state.seconds, torch::kDouble), /*is_buffer=*/true);
  archive.save_to(path + ".part");
  std::filesystem::rename(path + ".part", path);
}

void Restore(State& state, const std::string& path) {
  torch::serialize::InputArchive archive, optimizer;
  archive.load_from(path);
  state.scorer->load(archive);
  archive.read("optimizer", optimizer);
  state.optimizer->load(optimizer);
  torch::Tensor step, seconds;
  archive.read("step", step, true);
  archive.read("seconds", seconds, true);
  state.step = step.item<int64_t>();
  state.seconds = seconds.item<double>();
}

void Print(const char* name, const HeldOut& h) {
  fmt::print("{}:", name);
  for (int k = 0; k < kLabelCount; ++k) {
    fmt::print(" {} {:.3f},", kLabelNames[static_cast<size_t>(k)],
               h.accuracy[static_cast<size_t>(k)]);
  }
  fmt::print(" mask {:.3f}, retrieval {:.3f}, cosine same {:.2f}, same class {:.2f}\n", h.mask_iou,
             h.retrieval, h.same_cosine, h.class_cosine);
  std::fflush(stdout);
}

void PrintHeldOut(Scorer& scorer, int pairs, const torch::Device& device) {
  const PairBatch plain = DrawPairs(kScorerHeldOutSeed, pairs, 0);
  Print("held out", Examine(scorer, plain.On(device)));
  const PairBatch soft = {Disturb(plain.image01, kScorerHeldOutSeed), plain.labels, plain.parts};
  Print("held out, softened", Examine(scorer, soft.On(device)));
  const PairBatch posed = DrawPairs(kScorerHeldOutSeed + 1, pairs, 1);
  Print("held out, all poses", Examine(scorer, posed.On(device)));
}

// A function of the step. The first pictures are easy: clear and in usual poses.
PairBatch DrawStep(const Options& options, int64_t step) {
  Random random(options.seed * 1000003 + static_cast<uint64_t>(step));
  const double progress = static_cast<double>(step) / static_cast<double>(options.steps);
  PairBatch batch = DrawPairs(random.Next(), options.pairs, 0.35 * std::min(1.0, 2 * progress));
  if (random.Chance(0.2 + 2 * progress)) batch.image01 = Disturb(batch.image01, random.Next());
  return batch;
}

double LearningRate(double peak, int64_t step, int64_t steps) {
  const double warm = std::min(1.0, static_cast<double>(step + 1) / 100);
  const double progress = static_cast<double>(step) / static_cast<double>(steps);
  const double fall = std::max(0.0, (progress - 0.3) / 0.7);
  return peak * warm * (0.01 + 0.99 * 0.5 * (1 + std::cos(std::numbers::pi * fall)));
}

void Train(State& state, const Options& options) {
  using Seconds = std::chrono::duration<double>;
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const torch::ScalarType compute = options.fp32 ? torch::kFloat : torch::kBFloat16;
  Ahead<PairBatch> source([&options](int64_t step) { return DrawStep(options, step); }, state.step,
                          options.drawing_threads);
  double saved = state.seconds, examined = state.seconds, mean_loss = 0;
  while (state.step < options.steps && stop_requested == 0) {
    const auto start = now();
    const double rate = LearningRate(options.peak, state.step, options.steps);
    for (auto& group : state.optimizer->param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    }
    const PairBatch batch = source.Next().On(options.device);
    const torch::Tensor loss = ScorerLoss(state.scorer(batch.image01, compute), batch);
    state.optimizer->zero_grad();
    loss.backward();
    torch::nn::utils::clip_grad_norm_(state.scorer->parameters(), 2.0);
    state.optimizer->step();
    ++state.step;
    state.seconds += Seconds(now() - start).count();

    mean_loss =
        mean_loss == 0 ? loss.item<double>() : 0.97 * mean_loss + 0.03 * loss.item<double>();
    if (state.step % 100 == 0) {
      const std::string line =
          fmt::format("step {} loss {:.3f} rate {:.1e} {:.0f} s {:.0f} pictures/s\n", state.step,
                      mean_loss, rate, state.seconds,
                      2.0 * options.pairs * static_cast<double>(state.step) / state.seconds);
      std::ofstream(options.checkpoint + ".log", std::ios::app) << line;
      fmt::print("{}", line);
      std::fflush(stdout);
    }
    if (state.seconds - saved > 60) {
      saved = state.seconds;
      Save(state, options.checkpoint);
    }
    if (state.seconds - examined > 300) {
      examined = state.seconds;
      PrintHeldOut(state.scorer, 128, options.device);
    }
  }
  Save(state, options.checkpoint);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains the toy world's scorer");
  Options options;
  int threads = 1;
  bool examine_only = false;
  std::string device = "cpu";
  app.add_option("--out", options.out, "weights to write (fp16)")
      ->type_name(vico::kFileType)
      ->capture_default_str();
  app.add_option("--checkpoint", options.checkpoint,
                 "state of the run, which is resumed if the file exists")
      ->type_name(vico::kFileType)
      ->capture_default_str();
  vico::AddNumber(app, "--steps", options.steps,
                  "total steps; the learning rate falls towards the last", {1, 10'000'000});
  vico::AddNumber(app, "--pairs", options.pairs, "pairs for each step, a multiple of 4",
                  {4, 100'000});
  vico::AddNumber(app, "--peak", options.peak, "peak learning rate", {0.0, 1.0});
  vico::AddNumber(app, "--seed", options.seed, "seed of the drawn pictures");
  vico::AddNumber(app, "--threads", threads, "compute threads", {1, 256});
  app.add_option("--device", device)->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  vico::AddNumber(app, "--drawing-threads", options.drawing_threads,
                  "threads that draw ahead; 0: none", {0, 256});
  app.add_flag("--fp32", options.fp32, "convolutions in fp32 instead of bf16");
  app.add_flag("--examine", examine_only, "only print the held-out figures of --out");
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  cv::setNumThreads(1);
  at::set_num_threads(threads);
  std::signal(SIGINT, [](int) { stop_requested = 1; });
  std::signal(SIGTERM, [](int) { stop_requested = 1; });

  if (examine_only) {
    absl::StatusOr<Scorer> scorer = LoadScorer(options.out);
    if (!scorer.ok()) {
      std::cerr << scorer.status().message() << "\n";
      return 1;
    }
    PrintHeldOut(*scorer, 512, torch::kCPU);
    return 0;
  }
  options.device = torch::Device(device);
  if (options.device.is_cuda() && !at::hasCUDA()) {
    std::cerr << "--device: there is no CUDA device\n";
    return 2;
  }
  torch::manual_seed(static_cast<int64_t>(options.seed));
  State state;
  state.scorer->to(options.device);
  state.optimizer = std::make_unique<torch::optim::AdamW>(
      state.scorer->parameters(), torch::optim::AdamWOptions(options.peak).weight_decay(0.02));
  if (std::filesystem::exists(options.checkpoint)) Restore(state, options.checkpoint);
  Train(state, options);
  if (const absl::Status status = PlotLog(options.checkpoint); !status.ok()) {
    std::cerr << status.message() << "\n";
    return 1;
  }
  if (const absl::Status status = SaveScorer(state.scorer, options.out); !status.ok()) {
    std::cerr << status.message() << "\n";
    return 1;
  }
  PrintHeldOut(state.scorer, 512, options.device);
  return 0;
}
