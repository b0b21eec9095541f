// The commands of vico-server besides serving: backup and restore.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace vico::server {

/// Where the commands' flags go. It must live until the command has run.
struct ServerCommands {
  std::string data;
  std::string backup;
  CLI::App* back_up = nullptr;
  CLI::App* restore = nullptr;
};

void AddCommands(CLI::App& app, ServerCommands& commands);

/// Runs the command that was given, if one was; then `exit_code` is the program's.
bool RunCommand(const ServerCommands& commands, int& exit_code);

}  // namespace vico::server
