#include "worker/engine_flags.h"

#include <CLI/CLI.hpp>

namespace vico::worker {

void AddEngineFlags(CLI::App& app, EngineFlags& flags) {
  app.add_option("--base-model", flags.base_models,
                 "A base model: a directory in diffusers layout, or one .safetensors file; may be "
                 "given several times")
      ->required();
  app.add_option("--tokenizer", flags.tokenizer,
                 "The folder with vocab.json and merges.txt for base models of one file; otherwise "
                 "they are looked for "
                 "beside it");
  app.add_option("--threads", flags.threads, "Compute threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--device", flags.device, "cpu, cuda, or auto: cuda where there is one")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--precision", flags.precision,
                 "fp32, or bf16 for U-Net and autoencoder: less memory, and faster where the "
                 "hardware has it")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  app.add_option("--log-level", flags.log_level, "debug, info, warning, error or off")
      ->capture_default_str();
}

std::vector<std::string> Words(const EngineFlags& flags) {
  std::vector<std::string> words;
  for (const std::string& path : flags.base_models)
    words.insert(words.end(), {"--base-model", path});
  if (!flags.tokenizer.empty()) words.insert(words.end(), {"--tokenizer", flags.tokenizer});
  words.insert(words.end(), {"--threads", std::to_string(flags.threads), "--device", flags.device,
                             "--precision", flags.precision, "--log-level", flags.log_level});
  return words;
}

}  // namespace vico::worker
