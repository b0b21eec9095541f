// vico-bench-speed: measures rows of the speed tables with random weights. Prints {"ready": true},
// then reads the name of a row from each line of standard input, runs it once and prints its
// seconds and peak memory. The first run of a row, and the first after another row, also prepares
// it. The drivers are bench/speed and bench/peers; see docs/performance.md.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include "bench/random_base.h"
#include "bench/turns.h"
#include "worker/engine/devices.h"
#include "worker/layers/layers.h"
#include "worker/personalize/generator.h"
#include "worker/train/trainer.h"

namespace {

using vico::bench::Turns;

constexpr int64_t kLatentFactor = 8;  // pixels for each latent element, in each direction

// "sample4" is four pictures, "unet8" eight rows, "train" a batch of one.
struct Row {
  std::string name;
  std::string_view kind;
  int64_t count = 1;
};

constexpr std::string_view kKinds[] = {"train",  "encode", "decode", "text",
                                       "sample", "unet",   "guided", "mixed"};

bool MayHaveCount(std::string_view kind) {
  return kind != "encode" && kind != "decode" && kind != "text";
}

std::optional<Row> ParseRow(const std::string& name) {
  Row row{.name = name, .kind = {}};
  for (const std::string_view kind : kKinds) {
    if (!name.starts_with(kind)) continue;
    row.kind = kind;
    const std::string_view number = std::string_view(name).substr(kind.size());
    if (number.empty() && (!MayHaveCount(kind) || kind == "train")) return row;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), row.count);
    const bool whole = error == std::errc() && end == number.data() + number.size();
    const bool known = MayHaveCount(kind) && whole && row.count >= 1 && row.count <= 64;
    return known ? std::optional(row) : std::nullopt;
  }
  return std::nullopt;
}

std::string WhyNotRows(const std::string& names) {
  for (const auto& name : CLI::detail::split(names, ',')) {
    if (ParseRow(name)) continue;
    return "must be of encode, decode, text, train, and train, sample, unet, guided or mixed with "
           "1..64, got " +
           name;
  }
  return "";
}

// Runs the turns of one row, with latents of `side` x `side`.
class Bench {
 public:
  Bench(vico::worker::Base& base, int64_t side, int64_t cache_mib, Turns& turns)
      : base_(base), side_(side), cache_mib_(cache_mib), turns_(turns) {}

  void Run(const Row& row) {
    if (row.kind == "train") return Train(row);
    if (row.kind == "sample") return Sample(row);
    const at::NoGradGuard no_grad;
    if (row.kind == "unet") return Unet(row);
    if (row.kind == "guided" || row.kind == "mixed") return Guided(row);
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
    options.batch_size = row.count;
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
    auto personal = NewPersonalization(/*seed=*/7);
    vico::worker::GenerateObserver observer;
    observer.on_step = [&](int64_t, int64_t) {
      turns_.End();
      return turns_.Begin(row.name);
    };
    if (turns_.Begin(row.name)) {
      vico::worker::GeneratePictures(base_, &personal, options, observer);
    }
  }

  // One prediction for `count` pictures: all with one adapter, or each with its own and its prompt,
  // as pictures of different jobs have them.
  void Guided(const Row& row) {
    const auto count = static_cast<size_t>(row.kind == "mixed" ? row.count : 1);
    std::vector<vico::worker::Personalization> adapters;
    std::vector<vico::worker::GuidedPrompt> prompts;
    for (size_t i = 0; i < count; ++i) {
      adapters.push_back(NewPersonalization(/*seed=*/i));
      prompts.push_back(vico::worker::EncodeGuidedPrompt(
          base_, &adapters.back(), "a photo of S* on the beach", "", "S*", 7.5));
    }
    std::vector<vico::worker::GuidedRow> rows(static_cast<size_t>(row.count));
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].personal = &adapters[i % count];
      rows[i].prompt = &prompts[i % count];
      rows[i].timestep = 501;
    }
    const auto latent = torch::randn({row.count, 4, side_, side_}).to(base_.device());
    vico::worker::GuidedNetwork network(base_, 2 * row.count);
    while (turns_.Begin(row.name)) {
      network(latent, rows);
      turns_.End();
    }
  }

  vico::worker::Personalization NewPersonalization(uint64_t seed) {
    vico::worker::Personalization personal{
        .adapter = vico::worker::Adapter(base_.unet->transformers(), base_.sites(),
                                         base_.text->config().hidden_size, seed,
                                         vico::worker::BlockStart::kDefault),
        .reference = torch::randn({1, 4, side_, side_}).to(base_.device())};
    personal.adapter->to(base_.device());
    if (cache_mib_ > 0) {
      personal.cache = std::make_shared<vico::worker::ReferenceCache>(cache_mib_ << 20);
    }
    return personal;
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
  const int64_t cache_mib_;
  Turns& turns_;
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vico-bench-speed: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string names, dtype = "fp32", device_name = "cpu";
  int64_t side = 0, cache_mib = 0;
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
  app.add_option("--reference-cache-mib", cache_mib, "as of vico-worker; by default none")
      ->check(CLI::Range(0, 1 << 20));
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
  options.needs_unet = any({"train", "sample", "unet", "guided", "mixed"});
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
  base->schedule = base->schedule.On(device);
  vico::bench::PrintReady();

  Turns turns(device);
  Bench bench(*base, side, cache_mib, turns);
  while (const auto name = turns.Next()) {
    const auto row = std::ranges::find(rows, *name, &Row::name);
    if (row == rows.end())
      return Fail(absl::InvalidArgumentError("standard input: no such row as " + *name));
    bench.Run(*row);
  }
}
