#include "worker/engine_flags.h"

#include <regex>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"

namespace vico::worker {
namespace {

/// The engine knows which devices exist.
std::string WhyNotDevices(const std::string& given) {
  static const std::regex kDevices("auto|cuda|cpu(,cpu)*|cuda:[0-9]{1,3}(,cuda:[0-9]{1,3})*");
  if (std::regex_match(given, kDevices)) return "";
  return "must be auto, cuda, or a list of cpu or of cuda:N with commas, got " + given;
}

}  // namespace

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
  app.add_option("--clip", flags.clip,
                 "Directory of CLIP in transformers' layout, such as clip-vit-base-patch32: "
                 "evaluations of adapters measure with it")
      ->type_name(kFolderType);
  app.add_option("--dino", flags.dino,
                 "Directory of DINO in transformers' layout, such as dino-vits16: evaluations of "
                 "adapters measure with it")
      ->type_name(kFolderType);
  AddNumber(app, "--threads", flags.threads, "Number of compute threads", {1, 1024});
  app.add_option("--device", flags.device,
                 "cpu, cuda, cuda:N, or auto: cuda if available; several with commas, as in "
                 "cuda:0,cuda:1: the rows of a training's steps are placed on them, and the rest "
                 "runs on the first")
      ->check(CLI::Validator(WhyNotDevices, "DEVICE[,DEVICE...]"))
      ->capture_default_str();
  app.add_option(
         "--precision", flags.precision,
         "fp32 or bf16, of U-Net and autoencoder; bf16 takes half the memory and is faster if "
         "the hardware supports it")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  app.add_flag("--prepack-weights,!--no-prepack-weights", flags.prepack_weights,
               "On a CPU, keep copies of the weights of U-Net and autoencoder as oneDNN computes "
               "with them, so that generating is faster and takes more memory; on by default");
  AddNumber(app, "--reference-cache-mib", flags.reference_cache_mib,
            "On a CPU, memory for what adapters read of their reference pictures: further pictures "
            "of a prompt and further prompts are faster with it; 0: none",
            {0, 1 << 20});
  AddNumber(app, "--batch-jobs", flags.batch_jobs,
            "Most generations that run at once: those with one base model and one size of pictures "
            "are drawn together; 1: one job at a time",
            {1, 64});
  AddNumber(app, "--batch-rows", flags.batch_rows,
            "Most rows of the U-Net in a pass of several generations; a picture with guidance "
            "makes two. Fewer rows take less memory",
            {1, 1024});
  AddNumber(app, "--training-share", flags.training_share,
            "Part of the device's time that a training or an evaluation gets while generations "
            "wait; 0: it goes on when no generation waits",
            {0.0, 1.0});
  app.add_option("--log-level", flags.log_level, "debug, info, warning, error or off")
      ->capture_default_str();
}

std::vector<std::string> EngineArguments(const EngineFlags& flags) {
  std::vector<std::string> words;
  for (const std::string& path : flags.base_models)
    words.insert(words.end(), {"--base-model", path});
  if (!flags.tokenizer.empty()) words.insert(words.end(), {"--tokenizer", flags.tokenizer});
  if (!flags.clip.empty()) words.insert(words.end(), {"--clip", flags.clip});
  if (!flags.dino.empty()) words.insert(words.end(), {"--dino", flags.dino});
  words.insert(words.end(), {"--threads", std::to_string(flags.threads), "--device", flags.device,
                             "--precision", flags.precision, "--log-level", flags.log_level});
  words.insert(words.end(), {"--reference-cache-mib", std::to_string(flags.reference_cache_mib)});
  words.insert(words.end(), {"--batch-jobs", std::to_string(flags.batch_jobs), "--batch-rows",
                             std::to_string(flags.batch_rows), "--training-share",
                             fmt::format("{}", flags.training_share)});
  words.emplace_back(flags.prepack_weights ? "--prepack-weights" : "--no-prepack-weights");
  return words;
}

}  // namespace vico::worker
