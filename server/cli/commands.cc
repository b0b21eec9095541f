#include "server/cli/commands.h"

#include <cstdio>

#include <fmt/format.h>

#include "server/store/backup.h"
#include "server/disk/files.h"

namespace vico::server {

void AddCommands(CLI::App& app, ServerCommands& commands) {
  commands.back_up = app.add_subcommand(
      "backup", "Copy a data folder, whether or not a server is running on it, and check the copy");
  commands.back_up->add_option("--data", commands.data, "The data folder")->required();
  commands.back_up->add_option("--to", commands.backup, "Folder for the backup, new or empty")
      ->required();
  commands.restore =
      app.add_subcommand("restore", "Make a data folder from a backup, checking every blob");
  commands.restore->add_option("--from", commands.backup, "The backup's folder")->required();
  commands.restore->add_option("--data", commands.data, "The data folder, new or empty")
      ->required();
}

bool RunCommand(const ServerCommands& commands, int& exit_code) {
  const bool backs_up = commands.back_up->parsed();
  if (!backs_up && !commands.restore->parsed()) return false;
  PosixFiles files;
  const absl::StatusOr<BackupSummary> done = backs_up
                                                 ? BackUp(commands.data, commands.backup, files)
                                                 : Restore(commands.backup, commands.data, files);
  exit_code = done.ok() ? 0 : 1;
  if (done.ok()) {
    std::fputs(fmt::format("{}: {} blobs, {} bytes, all checked\n",
                           backs_up ? "backed up" : "restored", done->blobs, done->bytes)
                   .c_str(),
               stdout);
  } else {
    const std::string message(done.status().message());
    std::fprintf(stderr, "vico-server: %s\n", message.c_str());
  }
  return true;
}

}  // namespace vico::server
