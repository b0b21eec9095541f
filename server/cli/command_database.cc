// vico-server migrate and vico-server check.
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/clock.h"
#include "common/flags/parse_flags.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/cli/blob_flags.h"
#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"
#include "server/disk/data_folder.h"
#include "server/objects/local_objects.h"
#include "server/postgres/postgres_migration.h"
#include "server/s3/s3_objects.h"
#include "server/sql/migrations.h"

namespace vico::server {
namespace {

constexpr int kLost = 3;

struct DatabaseCommand {
  DatabasePlace place;
  BlobFlags blobs;
};

absl::Status Migrate(const DatabaseCommand& command) {
  ASSIGN_OR_RETURN(const auto postgres, PostgresOptionsOf("--database", command.place.flags));
  if (!postgres) {
    const SystemClock clock;
    RETURN_IF_ERROR(OpenFolder(command.place, clock).status());
    fmt::print("schema {}\n", NewestSchema());
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string name, PostgresName(postgres->url));
  ASSIGN_OR_RETURN(const auto connection, PostgresConnection::Open(*postgres));
  ASSIGN_OR_RETURN(const int applied, MigratePostgres(*connection, name));
  ASSIGN_OR_RETURN(const int64_t version, PostgresSchemaVersion(*connection));
  fmt::print("{}: schema {}, {} migrations applied\n", name, version, applied);
  return absl::OkStatus();
}

/// The connection, the schema and the settings that matter.
absl::Status CheckConnection(const PostgresOptions& options) {
  ASSIGN_OR_RETURN(const std::string name, PostgresName(options.url));
  ASSIGN_OR_RETURN(const auto connection, PostgresConnection::Open(options));
  ASSIGN_OR_RETURN(const int64_t version, PostgresSchemaVersion(*connection));
  const SystemClock clock;
  const absl::Duration ahead = connection->database_uptime_zero() + clock.Uptime() - clock.Now();
  fmt::print(
      "{}: schema {} (this program: {}), a round trip takes {:.2f} ms, its clock differs "
      "by {:.3f} s\n",
      name, version, NewestSchema(), absl::ToDoubleMilliseconds(connection->clock_round_trip()),
      absl::ToDoubleSeconds(ahead));
  RETURN_IF_ERROR(connection->Query(
      "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'fsync', "
      "'full_page_writes', 'synchronous_commit', 'max_connections') ORDER BY name",
      {}, [](const SqlRow& row) {
        fmt::print("  {} = {}\n", row.Text(0), row.Text(1));
        if (row.Text(0) == "fsync" && row.Text(1) == "off") {
          fmt::print(stderr,
                     "vico-server: warning: fsync is off: a power loss destroys the "
                     "database\n");
        }
        return absl::OkStatus();
      }));
  return CheckPostgresSchema(*connection, name);
}

/// Which objects there are, by a hash of key and size.
class ObjectSet {
 public:
  absl::Status Read(ObjectStore& objects) {
    return objects.List([this](const ObjectInfo& info) {
      set_.insert(HashOf(info.key, info.size_bytes));
      return absl::OkStatus();
    });
  }

  bool Has(const std::string& key, uint64_t size_bytes) const {
    return set_.contains(HashOf(key, size_bytes));
  }
  size_t size() const { return set_.size(); }

 private:
  static size_t HashOf(const std::string& key, uint64_t size_bytes) {
    return std::hash<std::string>()(fmt::format("{} {}", key, size_bytes));
  }

  std::unordered_set<size_t> set_;
};

/// Prints the referenced blobs without an object. Returns their number.
absl::StatusOr<int> CompareBlobs(Database& database, ObjectStore& objects) {
  std::vector<BlobRow> missing;
  int64_t rows = 0;
  ObjectSet stored;
  // The rows first: what is stored meanwhile has no row yet, and deleted objects stay for a while.
  std::vector<std::pair<BlobRow, std::string>> live;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) {
    live.clear();
    return db.Query("SELECT tenant, sha256, size_bytes, object_key FROM blob WHERE state = 'live'",
                    {}, [&](const SqlRow& row) {
                      live.emplace_back(
                          BlobRow{row.Text(0), row.Text(1), static_cast<uint64_t>(row.Int(2))},
                          row.Text(3));
                      return absl::OkStatus();
                    });
  }));
  RETURN_IF_ERROR(stored.Read(objects));
  for (auto& [row, key] : live) {
    ++rows;
    if (!stored.Has(key, row.size_bytes)) missing.push_back(std::move(row));
  }
  int lost = 0;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    lost = 0;
    ASSIGN_OR_RETURN(std::vector<BlobRow> all, LostBlobs(db));
    all.insert(all.end(), missing.begin(), missing.end());
    for (const BlobRow& blob : all) {
      ASSIGN_OR_RETURN(const auto users, UsersOfBlob(db, blob.tenant, blob.sha256));
      if (users.empty()) continue;
      ++lost;
      fmt::print(stderr, "vico-server: lost: blob {} of tenant {}; referenced by {}\n", blob.sha256,
                 blob.tenant, fmt::join(users, ", "));
    }
    return absl::OkStatus();
  }));
  fmt::print("{} blobs in the database, {} objects, {} lost\n", rows, stored.size(), lost);
  return lost;
}

absl::StatusOr<int> Check(const DatabaseCommand& command) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const auto postgres, PostgresOptionsOf("--database", command.place.flags));
  ASSIGN_OR_RETURN(const auto s3, S3OptionsOf("--blobs", command.blobs));
  if (postgres) RETURN_IF_ERROR(CheckConnection(*postgres));
  if (!s3 && command.place.data.empty()) return 0;  // a database without the flags of its blobs
  PosixFiles files;
  std::unique_ptr<DataFolder> folder;
  std::unique_ptr<ObjectStore> objects;
  if (s3) {
    objects = std::make_unique<S3Objects>(*s3, "/tmp", clock);
  } else {
    // A server that runs on the folder would lose its uploads under way.
    ASSIGN_OR_RETURN(folder, DataFolder::Open(command.place.data));
    ASSIGN_OR_RETURN(objects, LocalObjects::Open(folder->BlobPath(), files));
  }
  ASSIGN_OR_RETURN(const OpenedFolder opened, OpenFolder(command.place, clock));
  RETURN_IF_ERROR(opened.database->Check());
  return CompareBlobs(*opened.database, *objects);
}

int EndedWithLost(const absl::StatusOr<int>& lost, const std::string& data) {
  if (!lost.ok()) return EndedByDisk(lost.status(), data);
  return *lost > 0 ? kLost : 0;
}

}  // namespace

void AddDatabaseCommands(CLI::App& app, int& exit_code) {
  const auto command = std::make_shared<DatabaseCommand>();
  CLI::App& migrate = *app.add_subcommand("migrate",
                                          "Bring the schema of a database to this version. A "
                                          "server does it at its start with SQLite, and "
                                          "not with PostgreSQL");
  AddDatabasePlace(migrate, command->place);
  migrate.callback(
      [command, &exit_code] { exit_code = EndedByDisk(Migrate(*command), command->place.data); });
  CLI::App& check = *app.add_subcommand(
      "check",
      "Check connection, schema and settings of a database, and compare its rows with the blobs. "
      "Exit code 3: blobs are lost");
  AddDatabasePlace(check, command->place);
  AddBlobFlags(check, "--blobs", "The bucket of the blobs, as s3://BUCKET/PREFIX", command->blobs);
  check.callback(
      [command, &exit_code] { exit_code = EndedWithLost(Check(*command), command->place.data); });
}

}  // namespace vico::server
