// The flags that a worker takes for its engine, and hands on to it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace vico::worker {

struct EngineFlags {
  std::vector<std::string> base_models;
  std::string tokenizer;
  std::string device = "auto";
  std::string precision = "fp32";
  std::string log_level = "info";
  int threads = 1;
};

/// Both must outlive the parsing.
void AddEngineFlags(CLI::App& app, EngineFlags& flags);

/// The same flags as words of a command.
std::vector<std::string> Words(const EngineFlags& flags);

}  // namespace vico::worker
