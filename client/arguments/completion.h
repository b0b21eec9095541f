// Completes words of the command line for shells.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace vico::client {

/// The ids of a collection ("concepts", "adapters", "jobs"), newest first; empty without a server.
using IdSource = std::function<std::vector<std::string>(const std::string& collection)>;

/// What may stand in the place of the last of `words`, which may be empty or begun: subcommands,
/// options, the names of a choice, ids. Empty where a path or a free text stands, so that the shell
/// completes files.
std::vector<std::string> Completions(CLI::App& app, const std::vector<std::string>& words,
                                     const IdSource& ids);

/// A script for "bash", "zsh" or "fish" that calls `vico __complete WORDS…`.
std::string CompletionScript(const std::string& shell);

}  // namespace vico::client
