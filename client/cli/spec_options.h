// The options of `vico train` and `vico generate`, which fill in the specs of jobs.
#pragma once

#include "client/cli/arguments.h"
#include "common/backoff.h"

namespace CLI {
class App;
}  // namespace CLI

namespace vico::client {

/// `train` and `random_bits` must live until the command line is parsed.
void AddTrainOptions(CLI::App& app, Train& train, const RandomSource& random_bits);

/// All options but the positional arguments and --bare. `generate` and `random_bits` must live
/// until the command line is parsed.
void AddGenerateOptions(CLI::App& app, Generate& generate, const RandomSource& random_bits);

}  // namespace vico::client
