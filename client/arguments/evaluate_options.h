// The options of `vico evaluate`, `vico adapters report` and `vico adapters continue`.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "client/arguments/arguments.h"

namespace vico::client {

/// All options but the positional argument. `evaluate` must live until the command line is parsed.
void AddEvaluateOptions(CLI::App& app, Evaluate& evaluate);

/// The same for a training that continues an adapter.
void AddContinueOptions(CLI::App& app, AdaptersContinue& command);

/// Adds --out and --force of a contact sheet. `implied` ends the help of --out.
void AddReportOptions(CLI::App& app, std::string& out, bool& force,
                      const std::string& implied = "");

}  // namespace vico::client
