// vico-server copy: an installation moves to another database or another place of its blobs.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/clock.h"
#include "common/flags/parse_flags.h"
#include "common/status.h"
#include "server/cli/blob_flags.h"
#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"
#include "server/cli/database_flags.h"
#include "server/copy/copy.h"
#include "server/disk/data_folder.h"
#include "server/disk/files.h"
#include "server/objects/local_objects.h"
#include "server/postgres/postgres_database.h"
#include "server/s3/s3_objects.h"
#include "server/sql/sqlite_database.h"

namespace vico::server {
namespace {

constexpr int kPartialCopy = 3;

struct CopyEndFlags {
  std::string folder;
  DatabaseFlags database;
  BlobFlags blobs;
};

struct CopyFlags {
  CopyEndFlags from;
  CopyEndFlags to;
};

/// An opened installation, whose folder is locked.
class OpenedEnd {
 public:
  /// `prefix` is "--from" or "--to".
  static absl::StatusOr<std::unique_ptr<OpenedEnd>> Open(const std::string& prefix,
                                                         const CopyEndFlags& flags,
                                                         const Clock& clock) {
    std::unique_ptr<OpenedEnd> end(new OpenedEnd(clock));
    RETURN_IF_ERROR(end->OpenDatabase(prefix, flags));
    RETURN_IF_ERROR(end->OpenBlobs(prefix, flags, clock));
    return end;
  }

  Installation installation() { return {{*objects_, *database_, time_}, engine_, location_}; }

 private:
  explicit OpenedEnd(const Clock& clock) : time_(clock) {}

  absl::Status OpenDatabase(const std::string& prefix, const CopyEndFlags& flags) {
    if (!flags.folder.empty()) {
      ASSIGN_OR_RETURN(folder_, DataFolder::Open(flags.folder));
    }
    ASSIGN_OR_RETURN(const auto postgres, PostgresOptionsOf(prefix + "-database", flags.database));
    if (postgres) {
      engine_ = Engine::kPostgres;
      ASSIGN_OR_RETURN(database_, PostgresDatabase::Open(*postgres));
      return absl::OkStatus();
    }
    if (folder_ == nullptr) return FieldError(prefix, "or " + prefix + "-database is required");
    ASSIGN_OR_RETURN(database_, SqliteDatabase::Open(folder_->DatabasePath()));
    return absl::OkStatus();
  }

  absl::Status OpenBlobs(const std::string& prefix, const CopyEndFlags& flags, const Clock& clock) {
    ASSIGN_OR_RETURN(const auto s3, S3OptionsOf(prefix + "-blobs", flags.blobs));
    if (s3) {
      location_ = S3AddressOf(*s3);
      std::string scratch = std::filesystem::temp_directory_path().string();
      if (folder_ != nullptr) {
        scratch = folder_->ScratchPath();
        RETURN_IF_ERROR(files_.MakeFolder(scratch));
      }
      auto objects = std::make_unique<S3Objects>(*s3, scratch, clock);
      RETURN_IF_ERROR(objects->Probe());
      objects_ = std::move(objects);
      return absl::OkStatus();
    }
    if (folder_ == nullptr) return FieldError(prefix + "-blobs", "is required without a folder");
    ASSIGN_OR_RETURN(objects_, LocalObjects::Open(folder_->BlobPath(), files_));
    if (engine_ == Engine::kPostgres) {
      ASSIGN_OR_RETURN(location_, LocationOfFolder(folder_->BlobPath(), files_));
    }
    return absl::OkStatus();
  }

  const StoreClock time_;
  PosixFiles files_;
  std::unique_ptr<DataFolder> folder_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<ObjectStore> objects_;
  Engine engine_ = Engine::kSqlite;
  std::string location_;
};

absl::StatusOr<CopySummary> Copy(const CopyFlags& flags) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const auto from, OpenedEnd::Open("--from", flags.from, clock));
  ASSIGN_OR_RETURN(const auto to, OpenedEnd::Open("--to", flags.to, clock));
  return CopyInstallation(from->installation(), to->installation(), [](const BlobsCopied& blobs) {
    fmt::print(stderr, "vico-server: {} blobs, {} bytes copied; {} were there\n", blobs.blobs,
               blobs.bytes, blobs.skipped);
  });
}

int PrintedCopy(const absl::StatusOr<CopySummary>& summary) {
  if (!summary.ok()) return Ended(summary.status());
  const BlobsCopied& blobs = summary->blobs;
  fmt::print("copied: {} rows, {} blobs, {} bytes, all checked; {} blobs were there\n",
             summary->rows, blobs.blobs, blobs.bytes, blobs.skipped);
  for (const BlobsCopied::Lost& lost : blobs.lost) {
    fmt::print(stderr, "vico-server: lost: blob {} of tenant {}; referenced by {}\n", lost.sha256,
               lost.tenant, fmt::join(lost.users, ", "));
  }
  if (blobs.lost.empty()) return 0;
  fmt::print(stderr, "vico-server: copied partially: {} blobs are lost, everything else is there\n",
             blobs.lost.size());
  return kPartialCopy;
}

}  // namespace

void AddCopyCommand(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<CopyFlags>();
  CLI::App& copy = *app.add_subcommand(
      "copy",
      "Copy an installation that no server uses to another database and another place of blobs, "
      "and check every blob. An interrupted copy goes on when it is called again. Exit code 3: "
      "some blobs are lost, the rest is copied");
  copy.add_option("--from", flags->from.folder, "The data folder of the source")
      ->type_name(kFolderType);
  copy.add_option("--from-database", flags->from.database.url,
                  "The database of the source, as postgres://…; without it, SQLite in --from");
  copy.add_option("--from-blobs", flags->from.blobs.address,
                  "The bucket of the source's blobs, as s3://BUCKET/PREFIX; without it, files in "
                  "--from");
  copy.add_option("--to", flags->to.folder, "The data folder of the target, if it has one")
      ->type_name(kFolderType);
  AddDatabaseFlags(copy, "--to-database", flags->to.database);
  AddBlobFlags(copy, "--to-blobs",
               "Bucket for the blobs, as s3://BUCKET/PREFIX; without it, files in --to",
               flags->to.blobs);
  copy.callback([flags, &exit_code] {
    flags->from.blobs.endpoint = flags->to.blobs.endpoint;
    flags->from.blobs.region = flags->to.blobs.region;
    flags->from.blobs.ca_file = flags->to.blobs.ca_file;
    exit_code = PrintedCopy(Copy(*flags));
  });
}

}  // namespace vico::server
