// The options of `vico train`, `vico generate` and `vico sheet`, which fill in the specs of jobs.
#pragma once

#include <string>

#include "client/arguments/arguments.h"
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

/// The same for a contact sheet.
void AddSheetOptions(CLI::App& app, ContactSheet& sheet, const RandomSource& random_bits);

/// Adds --show.
void AddShow(CLI::App& app, bool& show, const std::string& help);

/// Adds --no-metadata.
void AddNoMetadata(CLI::App& app, bool& no_metadata);

}  // namespace vico::client
