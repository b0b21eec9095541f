// The flags of the engine, which vico-worker accepts and passes on to vico-engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace vico::worker {

struct EngineFlags {
  std::vector<std::string> base_models;
  std::string tokenizer;
  std::string clip;
  std::string dino;
  std::string device = "auto";
  std::string precision = "fp32";
  std::string log_level = "info";
  int threads = 1;
  bool prepack_weights = true;
  int64_t reference_cache_mib = 1024;
  int batch_jobs = 4;  ///< generations that run at once
  int64_t batch_rows = 32;
  double training_share = 0.5;
};

/// Adds the flags to `app`. Both must outlive parsing.
void AddEngineFlags(CLI::App& app, EngineFlags& flags);

/// The flags as arguments of a command.
std::vector<std::string> EngineArguments(const EngineFlags& flags);

}  // namespace vico::worker
