// vico-bench-speed: measures one row of the speed table at Stable Diffusion 1.5's size. Prints
// {"ready": true}, then runs the row once for every line on standard input and prints its seconds
// and peak memory. Weights are random. bench/speed runs it in turns with its counterpart; see
// bench/README.md.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "worker/base_model/base_model.h"
#include "worker/personalize/generator.h"
#include "worker/train/trainer.h"

namespace {

constexpr int64_t kLatentFactor = 8;  // pixels for each latent element, in each direction

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
  // Waits for the driver's next line; false when it has closed the pipe.
  bool Begin() {
    std::string line;
    if (!std::getline(std::cin, line)) return false;
    std::ofstream("/proc/self/clear_refs") << "5";  // resets VmHWM to VmRSS
    begin_ = std::chrono::steady_clock::now();
    return true;
  }

  void End() {
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    fmt::print("{{\"seconds\": {:.6f}, \"peak_mib\": {}, \"rest_mib\": {}}}\n", seconds,
               MemoryKib("VmHWM") / 1024, MemoryKib("VmRSS") / 1024);
    std::fflush(stdout);
  }

 private:
  std::chrono::steady_clock::time_point begin_;
};

// The toy base's tokenizer, padded to the number of the text encoder's embeddings.
absl::StatusOr<vico::Tokenizer> WideTokenizer(const std::string& directory, int64_t entries) {
  const auto model = vico::worker::OpenBaseModel(directory);
  if (!model.ok()) return model.status();
  auto vocabulary = nlohmann::json::parse(model->vocabulary);
  for (auto id = static_cast<int64_t>(vocabulary.size()); id < entries; ++id) {
    vocabulary[fmt::format("<|unused {}|>", id)] = id;
  }
  return vico::Tokenizer::Create(vocabulary.dump(), model->merges, model->pad_token);
}

template <class Network>
void Freeze(Network& network) {
  network->eval();
  for (auto& parameter : network->parameters()) parameter.requires_grad_(false);
}

struct Row {
  std::string name;
  int64_t side = 0;  // of the latent
};

void Train(vico::worker::Base& base, const Row& row, Turns& turns) {
  vico::worker::TrainOptions options;
  options.steps = 1 << 20;
  options.init_word = "robot";
  const int64_t pixels = kLatentFactor * row.side;
  const auto picture = torch::rand({1, 3, pixels, pixels});
  if (!turns.Begin()) return;
  vico::worker::TrainAdapter(base, picture, options,
                             [&](const vico::worker::StepReport&, vico::worker::Adapter&) {
                               turns.End();
                               return turns.Begin();
                             });
}

void Sample(vico::worker::Base& base, const Row& row, size_t pictures, Turns& turns) {
  const at::NoGradGuard no_grad;
  vico::worker::GenerateOptions options;
  options.prompt = "a photo of S* on the beach";
  options.steps = 1000;
  options.width = options.height = kLatentFactor * row.side;
  for (size_t i = 0; i < pictures; ++i) options.seeds.push_back(i);
  vico::worker::Personalization personal{
      .adapter = vico::worker::Adapter(base.unet->transformers(), base.sites(),
                                       base.text->config().hidden_size, 7,
                                       vico::worker::BlockStart::kDefault),
      .reference = torch::randn({1, 4, row.side, row.side})};
  vico::worker::GenerateObserver observer;
  observer.on_step = [&](int64_t, int64_t) {
    turns.End();
    return turns.Begin();
  };
  if (turns.Begin()) vico::worker::GeneratePictures(base, &personal, options, observer);
}

void Run(vico::worker::Base& base, const Row& row, Turns& turns) {
  if (row.name == "train") return Train(base, row, turns);
  if (row.name == "sample1") return Sample(base, row, 1, turns);
  if (row.name == "sample4") return Sample(base, row, 4, turns);
  const int64_t pixels = kLatentFactor * row.side;
  const auto picture = torch::rand({1, 3, pixels, pixels});
  const auto latent = torch::randn({1, 4, row.side, row.side});
  const auto prompts = base.EncodePrompts({"a photo of a robot on the beach", ""}, "S*");
  const at::NoGradGuard no_grad;
  while (turns.Begin()) {
    if (row.name == "encode") base.Encode(picture);
    if (row.name == "decode") base.Decode(latent);
    if (row.name == "text") base.TextStates(prompts, {});
    turns.End();
  }
}

}  // namespace

int main(int argc, char** argv) {
  Row row;
  std::string dtype = "fp32", base_model = "toyworld/base";
  int threads = 2;
  CLI::App app("Runs one row of the speed table once for every line of standard input.");
  app.add_option("row", row.name)
      ->required()
      ->check(CLI::IsMember({"train", "sample1", "sample4", "encode", "decode", "text"}));
  app.add_option("--dtype", dtype)->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_option("--latent", row.side)->required()->check(CLI::Range(8, 128));
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024));
  app.add_option("--tokenizer-of", base_model, "directory of a base model");
  CLI11_PARSE(app, argc, argv);

  at::set_num_threads(threads);
  const bool needs_unet = row.name == "train" || row.name.starts_with("sample");
  const bool needs_vae = row.name == "train" || row.name == "encode" || row.name == "decode";
  const vico::worker::ClipTextConfig text;
  auto tokenizer = WideTokenizer(base_model, text.vocab_size);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "vico-bench-speed: %s\n",
                 std::string(tokenizer.status().message()).c_str());
    return 1;
  }
  torch::manual_seed(1);
  // A network that the row does not use is small: Base must have one of each.
  vico::worker::UNetConfig unet;
  if (!needs_unet) unet.block_out_channels = {32, 32, 32, 32};
  vico::worker::VaeConfig vae;
  if (!needs_vae) vae.block_out_channels = {32, 32, 32, 32};
  vico::worker::Base base{.text = vico::worker::ClipText(text),
                          .vae = vico::worker::Vae(vae),
                          .unet = vico::worker::UNet(unet),
                          .schedule = vico::worker::Schedule(vico::worker::ScheduleConfig{}),
                          .tokenizer = *std::move(tokenizer),
                          .threads = threads};
  Freeze(base.text);
  Freeze(base.vae);
  Freeze(base.unet);
  if (dtype == "bf16") {
    base.unet->to(torch::kBFloat16);
    base.vae->to(torch::kBFloat16);
    if (row.name == "text") base.text->to(torch::kBFloat16);
  }
  fmt::print("{{\"ready\": true}}\n");
  std::fflush(stdout);
  Turns turns;
  Run(base, row, turns);
}
