// The subcommands of vico-server: backup, restore, copy, check, migrate, keys and tenants.
#pragma once

#include <CLI/CLI.hpp>

namespace vico::server {

/// Adds all subcommands. When one of them runs, during the parse, it sets the process's exit code
/// in `exit_code`, which must live until then.
void AddCommands(CLI::App& app, int& exit_code);

}  // namespace vico::server
