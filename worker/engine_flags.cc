#include "worker/engine_flags.h"

#include <CLI/CLI.hpp>

#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"

namespace vico::worker {

void AddEngineFlags(CLI::App& app, EngineFlags& flags) {
  app.add_option(
         "--base-model", flags.base_models,
         "Base model, [NAME=]PATH: a directory in diffusers layout or a .safetensors file, "
         "named NAME instead of after its vico.json or its file; may be given several times")
      ->required()
      ->type_name(kPathType);
  app.add_option("--tokenizer", flags.tokenizer,
                 "Folder with vocab.json and merges.txt, or tokenizer.json, for single-file base "
                 "models; by default tokenizer/ beside the file, then its own folder")
      ->type_name(kFolderType);
  AddNumber(app, "--threads", flags.threads, "Number of compute threads", {1, 1024});
  app.add_option("--device", flags.device, "cpu, cuda, or auto: cuda if available")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app.add_option(
         "--precision", flags.precision,
         "fp32 or bf16, of U-Net and autoencoder; bf16 takes half the memory and is faster if "
         "the hardware supports it")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  app.add_option("--log-level", flags.log_level, "debug, info, warning, error or off")
      ->capture_default_str();
}

std::vector<std::string> EngineArguments(const EngineFlags& flags) {
  std::vector<std::string> words;
  for (const std::string& path : flags.base_models)
    words.insert(words.end(), {"--base-model", path});
  if (!flags.tokenizer.empty()) words.insert(words.end(), {"--tokenizer", flags.tokenizer});
  words.insert(words.end(), {"--threads", std::to_string(flags.threads), "--device", flags.device,
                             "--precision", flags.precision, "--log-level", flags.log_level});
  return words;
}

}  // namespace vico::worker
