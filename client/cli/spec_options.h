// The options of `vico train` and `vico generate`, which fill in the specs of jobs.
#pragma once

#include "client/cli/arguments.h"

namespace CLI {
class App;
}  // namespace CLI

namespace vico::client {

/// `train` must live until the command line is parsed.
void AddTrainOptions(CLI::App& app, Train& train);

/// All options but the positional arguments and --bare. `generate` must live until the command line
/// is parsed.
void AddGenerateOptions(CLI::App& app, Generate& generate);

}  // namespace vico::client
