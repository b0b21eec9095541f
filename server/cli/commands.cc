#include "server/cli/commands.h"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/flags/parse_flags.h"
#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"
#include "server/disk/files.h"
#include "server/storage/backup.h"

namespace vico::server {
namespace {

constexpr int kPartial = 3;

struct BackupOptions {
  std::string data;
  std::string backup;
  bool link = false;
};

/// Prints what was copied and what was lost. Returns the process's exit code.
int Printed(std::string_view what, const absl::StatusOr<BackupSummary>& summary,
            const std::string& database_folder) {
  if (!summary.ok()) {
    EndedByDisk(summary.status(), database_folder);
    return 1;
  }
  fmt::print("{}: {} blobs, {} bytes, all checked\n", what, summary->blobs, summary->bytes);
  if (summary->linked > 0) {
    fmt::print(stderr,
               "vico-server: warning: {} blobs are hard links to files of the data folder. A fault "
               "of the disk destroys both; copy the backup to another disk.\n",
               summary->linked);
  }
  for (const LostInBackup& blob : summary->lost) {
    fmt::print(stderr, "vico-server: lost: blob {} of tenant {} is {}; referenced by {}\n",
               blob.sha256, blob.tenant, blob.damaged ? "damaged" : "missing",
               fmt::join(blob.users, ", "));
  }
  if (summary->lost.empty()) return 0;
  fmt::print(
      stderr,
      "vico-server: {} partially: {} blobs are lost, everything else is there. Uploading the "
      "same bytes again repairs a concept or an adapter.\n",
      what, summary->lost.size());
  return kPartial;
}

void AddBackupCommands(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<BackupOptions>();
  CLI::App& backup = *app.add_subcommand(
      "backup",
      "Copy a data folder, with or without a running server, and check the copy. Exit code 3: some "
      "blobs are lost, the rest is backed up");
  backup.add_option("--data", options->data, "The data folder")->required()->type_name(kFolderType);
  backup.add_option("--to", options->backup, "Folder for the backup, new or empty")
      ->required()
      ->type_name(kFolderType);
  backup.add_flag("--link", options->link,
                  "Use hard links instead of copies of blobs, on one file system: quick and small, "
                  "but a fault of the disk destroys the data and the backup");
  backup.callback([options, &exit_code] {
    PosixFiles files;
    const BackupWay way = options->link ? BackupWay::kLink : BackupWay::kCopy;
    exit_code =
        Printed("backed up", BackUp(options->data, options->backup, files, way), options->data);
  });
  CLI::App& restore = *app.add_subcommand(
      "restore",
      "Create a data folder from a backup and check every blob. Exit code 3: some blobs are lost, "
      "the rest is restored");
  restore.add_option("--from", options->backup, "The backup's folder")
      ->required()
      ->type_name(kFolderType);
  restore.add_option("--data", options->data, "The data folder, new or empty")
      ->required()
      ->type_name(kFolderType);
  restore.callback([options, &exit_code] {
    PosixFiles files;
    exit_code =
        Printed("restored", Restore(options->backup, options->data, files), options->backup);
  });
}

}  // namespace

void AddCommands(CLI::App& app, int& exit_code) {
  AddBackupCommands(app, exit_code);
  AddDatabaseCommands(app, exit_code);
  AddCopyCommand(app, exit_code);
  AddKeysCommand(app, exit_code);
  AddTenantsCommand(app, exit_code);
}

}  // namespace vico::server
