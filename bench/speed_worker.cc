// vico-bench-speed: measures rows of the speed tables with random weights. Prints {"ready": true},
// then reads the name of a row from each line of standard input, runs it once and prints its
// seconds and peak memory. The first run of a row, and the first after another row, also prepares
// it. The drivers are bench/speed and bench/peers; see docs/performance.md.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/device_work.h"
#include "bench/random_base.h"
#include "worker/engine/devices.h"
#include "worker/layers/layers.h"
#include "worker/personalize/generator.h"
#include "worker/train/trainer.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kLatentFactor = 8;  // pixels for each latent element, in each direction
constexpr int64_t kMib = 1 << 20;

// Reads "VmHWM" or "VmRSS" of this process.
int64_t MemoryKib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1));
  }
  return 0;
}

class Turns {
 public:
  explicit Turns(const c10::Device& device) : device_(device) {}

  // The row of the next turn, which Begin() starts; nullopt when the driver has closed the pipe.
  std::optional<std::string> Next() {
    std::string line;
    if (!next_ && std::getline(std::cin, line)) next_ = line;
    return next_;
  }

  // Waits for the next turn and starts it if it is one of `row`.
  bool Begin(const std::string& row) {
    if (Next() != row) return false;
    next_.reset();
    std::ofstream("/proc/self/clear_refs") << "5";  // resets VmHWM to VmRSS
    vico::bench::ResetPeak(device_);
    begin_ = Clock::now();
    return true;
  }

  void End() {
    const double enqueued = SecondsSinceBegin();
    vico::bench::WaitFor(device_);
    const double seconds = SecondsSinceBegin();
    const auto device_bytes = vico::bench::PeakBytes(device_);
    fmt::print(
        "{{\"seconds\": {:.6f}, \"enqueued\": {:.6f}, \"peak_mib\": {}, \"rest_mib\": {}, "
        "\"device_peak_mib\": {}}}\n",
        seconds, enqueued, MemoryKib("VmHWM") / 1024, MemoryKib("VmRSS") / 1024,
        device_bytes ? std::to_string(*device_bytes / kMib) : "null");
    std::fflush(stdout);
  }

 private:
  double SecondsSinceBegin() const {
    return std::chrono::duration<double>(Clock::now() - begin_).count();
  }

  const c10::Device device_;
  std::optional<std::string> next_;
  Clock::time_point begin_;
};

// "sample4" is four pictures, "unet8" eight rows.
struct Row {
  std::string name;
  std::string_view kind;
  int64_t count = 1;
};

std::optional<Row> ParseRow(const std::string& name) {
  Row row{.name = name, .kind = {}};
  for (const std::string_view kind : {"train", "encode", "decode", "text", "sample", "unet"}) {
    if (!name.starts_with(kind)) continue;
    row.kind = kind;
    const std::string_view number = std::string_view(name).substr(kind.size());
    if (kind != "sample" && kind != "unet")
      return number.empty() ? std::optional(row) : std::nullopt;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), row.count);
    const bool whole = error == std::errc() && end == number.data() + number.size();
    return whole && row.count >= 1 && row.count <= 64 ? std::optional(row) : std::nullopt;
  }
  return std::nullopt;
}

std::string WhyNotRows(const std::string& names) {
  for (const auto& name : CLI::detail::split(names, ',')) {
    if (ParseRow(name)) continue;
    return "must be of train, encode, decode, text, sample1..64 and unet1..64, got " + name;
  }
  return "";
}

// Runs the turns of one row, with latents of `side` x `side`.
class Bench {
 public:
  Bench(vico::worker::Base& base, int64_t side, Turns& turns)
      : base_(base), side_(side), turns_(turns) {}

  void Run(const Row& row) {
    if (row.kind == "train") return Train(row);
    if (row.kind == "sample") return Sample(row);
    const at::NoGradGuard no_grad;
    if (row.kind == "unet") return Unet(row);
    const auto picture = torch::rand({1, 3, pixels(), pixels()});
    const auto latent = torch::randn({1, 4, side_, side_}).to(base_.device());
    const auto prompts = base_.EncodePrompts({"a photo of a robot on the beach", ""}, "S*");
    while (turns_.Begin(row.name)) {
      if (row.kind == "encode") base_.Encode(picture);
      if (row.kind == "decode") base_.Decode(latent);
      if (row.kind == "text") base_.TextStates(prompts, {});
      turns_.End();
    }
  }

 private:
  int64_t pixels() const { return kLatentFactor * side_; }

  void Train(const Row& row) {
    vico::worker::TrainOptions options;
    options.steps = 1 << 20;
    options.init_word = "robot";
    const auto picture = torch::rand({1, 3, pixels(), pixels()});
    if (!turns_.Begin(row.name)) return;
    vico::worker::TrainAdapter(base_, picture, options,
                               [&](const vico::worker::StepReport&, vico::worker::Adapter&) {
                                 turns_.End();
                                 return turns_.Begin(row.name);
                               });
  }

  void Sample(const Row& row) {
    const at::NoGradGuard no_grad;
    vico::worker::GenerateOptions options;
    options.prompt = "a photo of S* on the beach";
    options.steps = 1000;
    options.width = options.height = pixels();
    for (int64_t i = 0; i < row.count; ++i) options.seeds.push_back(static_cast<uint64_t>(i));
    vico::worker::Personalization personal{
        .adapter = vico::worker::Adapter(base_.unet->transformers(), base_.sites(),
                                         base_.text->config().hidden_size, 7,
                                         vico::worker::BlockStart::kDefault),
        .reference = torch::randn({1, 4, side_, side_}).to(base_.device())};
    personal.adapter->to(base_.device());
    vico::worker::GenerateObserver observer;
    observer.on_step = [&](int64_t, int64_t) {
      turns_.End();
      return turns_.Begin(row.name);
    };
    if (turns_.Begin(row.name)) {
      vico::worker::GeneratePictures(base_, &personal, options, observer);
    }
  }

  void Unet(const Row& row) {
    const auto like = base_.unet->parameters()[0].options();
    const auto& text = base_.text->config();
    const auto latent = torch::randn({row.count, 4, side_, side_}).to(like);
    const auto timestep = torch::full({row.count}, 501, like.dtype(at::kLong));
    const auto states =
        torch::randn({row.count, text.max_position_embeddings, text.hidden_size}).to(like);
    while (turns_.Begin(row.name)) {
      base_.unet(latent, timestep, states);
      turns_.End();
    }
  }

  vico::worker::Base& base_;
  const int64_t side_;
  Turns& turns_;
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vico-bench-speed: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string names, dtype = "fp32", device_name = "cpu";
  int64_t side = 0;
  bool prepack = true;
  vico::bench::RandomBaseOptions options{.tokenizer_of = "toyworld/base", .threads = 2};
  CLI::App app("Runs a row of the speed tables once for every line of standard input.");
  app.add_option("rows", names, "what the lines may name, with commas")
      ->required()
      ->check(CLI::Validator(WhyNotRows, "ROW[,ROW...]"));
  app.add_option("--dtype", dtype)->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_option("--latent", side)->required()->check(CLI::Range(8, 128));
  app.add_option("--device", device_name, "cpu, cuda or cuda:N");
  app.add_flag("--small", options.small, "networks of a tenth of the width");
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 1024));
  app.add_flag("--prepack-weights,!--no-prepack-weights", prepack, "as of vico-worker");
  app.add_option("--tokenizer-of", options.tokenizer_of, "directory of a base model");
  CLI11_PARSE(app, argc, argv);

  at::set_num_threads(options.threads);
  const auto devices = vico::worker::DevicesNamed(device_name, options.threads);
  if (!devices.ok()) return Fail(devices.status());
  const auto& device = devices->front();
  std::vector<Row> rows;
  for (const auto& name : CLI::detail::split(names, ',')) rows.push_back(*ParseRow(name));
  const auto any = [&](std::initializer_list<std::string_view> kinds) {
    return std::ranges::any_of(
        rows, [&](const Row& row) { return std::ranges::count(kinds, row.kind) > 0; });
  };
  options.needs_unet = any({"train", "sample", "unet"});
  options.needs_vae = any({"train", "encode", "decode"});
  auto base = vico::bench::MakeRandomBase(options);
  if (!base.ok()) return Fail(base.status());
  const auto type = dtype == "bf16" ? at::kBFloat16 : at::kFloat;
  // The worker keeps the text encoder in fp32; alone, it is measured in both.
  const bool only_text = !options.needs_unet && !options.needs_vae;
  base->text->to(device, only_text ? type : at::kFloat);
  base->vae->to(device, type);
  base->unet->to(device, type);
  if (prepack) {
    vico::worker::PackWeights(*base->vae);
    vico::worker::PackWeights(*base->unet);
  }
  fmt::print("{{\"ready\": true}}\n");
  std::fflush(stdout);

  Turns turns(device);
  Bench bench(*base, side, turns);
  while (const auto name = turns.Next()) {
    const auto row = std::ranges::find(rows, *name, &Row::name);
    if (row == rows.end())
      return Fail(absl::InvalidArgumentError("standard input: no such row as " + *name));
    bench.Run(*row);
  }
}
