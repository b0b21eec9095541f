#include "server/blobs/objects_of_database.h"

#include <fmt/format.h>

#include "common/ids.h"
#include "common/status.h"

namespace vico::server {
namespace {

// Names in the table `secret`.
constexpr char kInstallationName[] = "installation";
constexpr char kLocationName[] = "blobs";

absl::Status CheckNotCopying(Database& database) {
  std::string copying;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(copying, SecretText(db, kCopyingName));
    return absl::OkStatus();
  }));
  if (copying.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               "database: a copy into it has not ended; run vico-server copy again",
               "COPY_UNFINISHED");
}

}  // namespace

absl::StatusOr<std::string> SecretText(SqlSession& db, std::string_view name) {
  std::string text;
  RETURN_IF_ERROR(
      db.Query("SELECT value FROM secret WHERE name = ?", {name}, [&](const SqlRow& row) {
        text = row.Text(0);
        return absl::OkStatus();
      }));
  return text;
}

absl::Status SaveSecret(SqlSession& db, std::string_view name, const std::string& text) {
  return db.Send(
      "INSERT INTO secret (name, value) VALUES (?, ?) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      {name, Bytes{text}});
}

absl::Status DeleteSecret(SqlSession& db, std::string_view name) {
  return db.Send("DELETE FROM secret WHERE name = ?", {name});
}

absl::StatusOr<std::string> InstallationOf(Database& database) {
  const std::string drawn = NewId();
  std::string id;
  RETURN_IF_ERROR(database.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(
        db.Send("INSERT INTO secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                {std::string_view(kInstallationName), Bytes{drawn}}));
    ASSIGN_OR_RETURN(id, SecretText(db, kInstallationName));
    return absl::OkStatus();
  }));
  return id;
}

absl::Status BlobsElsewhere(const std::string& location) {
  if (location.starts_with("folder:")) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "blobs: those of this database are in the data folder of another server; several "
                 "servers need a bucket",
                 "BLOBS_ARE_ELSEWHERE");
  }
  return Error(absl::StatusCode::kFailedPrecondition,
               location.empty() ? "blobs: those of this database are in its folder; vico-server "
                                  "copy moves them to a bucket"
                                : fmt::format("blobs: those of this database are in {}; give that "
                                              "address",
                                              location),
               "BLOBS_ARE_ELSEWHERE");
}

absl::StatusOr<std::string> LocationOfBlobs(Database& database) {
  std::string location;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(location, SecretText(db, kLocationName));
    return absl::OkStatus();
  }));
  return location;
}

absl::Status BindObjects(Database& database, ObjectStore& objects, const std::string& location) {
  RETURN_IF_ERROR(CheckNotCopying(database));
  ASSIGN_OR_RETURN(const std::string bound, LocationOfBlobs(database));
  if (bound == location && location.empty()) return absl::OkStatus();
  if (bound != location) {
    int64_t blobs = 0;
    RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(blobs, db.QueryInt("SELECT count(*) FROM blob", {}, 0));
      return absl::OkStatus();
    }));
    if (!bound.empty() || blobs > 0) return BlobsElsewhere(bound);
    return RebindObjects(database, objects, location);
  }
  ASSIGN_OR_RETURN(const std::string installation, InstallationOf(database));
  return objects.Claim(installation, /*first=*/false);
}

absl::Status RebindObjects(Database& database, ObjectStore& objects, const std::string& location) {
  ASSIGN_OR_RETURN(const std::string installation, InstallationOf(database));
  RETURN_IF_ERROR(objects.Claim(installation, /*first=*/true));
  return database.Write([&](SqlSession& db) {
    return location.empty() ? DeleteSecret(db, kLocationName)
                            : SaveSecret(db, kLocationName, location);
  });
}

}  // namespace vico::server
