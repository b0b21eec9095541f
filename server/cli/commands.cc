#include "server/cli/commands.h"

#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"
#include "server/disk/files.h"
#include "server/store/backup.h"

namespace vico::server {
namespace {

struct BackupOptions {
  std::string data;
  std::string backup;
};

/// Prints what was copied. Returns the process's exit code.
int Printed(const char* what, const absl::StatusOr<BackupSummary>& summary) {
  if (!summary.ok()) {
    Ended(summary.status());
    return 1;
  }
  std::fputs(
      fmt::format("{}: {} blobs, {} bytes, all checked\n", what, summary->blobs, summary->bytes)
          .c_str(),
      stdout);
  return 0;
}

void AddBackupCommands(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<BackupOptions>();
  CLI::App& backup = *app.add_subcommand(
      "backup", "Copy a data folder, with or without a running server, and check the copy");
  backup.add_option("--data", options->data, "The data folder")->required();
  backup.add_option("--to", options->backup, "Folder for the backup, new or empty")->required();
  backup.callback([options, &exit_code] {
    PosixFiles files;
    exit_code = Printed("backed up", BackUp(options->data, options->backup, files));
  });
  CLI::App& restore =
      *app.add_subcommand("restore", "Create a data folder from a backup and check every blob");
  restore.add_option("--from", options->backup, "The backup's folder")->required();
  restore.add_option("--data", options->data, "The data folder, new or empty")->required();
  restore.callback([options, &exit_code] {
    PosixFiles files;
    exit_code = Printed("restored", Restore(options->backup, options->data, files));
  });
}

}  // namespace

void AddCommands(CLI::App& app, int& exit_code) {
  AddBackupCommands(app, exit_code);
  AddKeysCommand(app, exit_code);
  AddTenantsCommand(app, exit_code);
}

}  // namespace vico::server
