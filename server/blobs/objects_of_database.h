// Which objects belong to which database. A database whose blobs are in a bucket says so, and the
// bucket names the database: a server that was started with another one would take all blobs for
// lost, or all objects for garbage.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/objects/object_store.h"
#include "server/sql/database.h"

namespace vico::server {

/// Where the blobs of a database are: "s3://bucket/prefix", "folder:{id}" for one beside a
/// PostgreSQL database, or empty for the folder of an SQLite database.
absl::StatusOr<std::string> LocationOfBlobs(Database& database);

/// The random id of this installation, which a copy of it keeps. The first call draws it.
absl::StatusOr<std::string> InstallationOf(Database& database);

/// Rows of the table `secret`. An empty text for one that is missing.
absl::StatusOr<std::string> SecretText(SqlSession& db, std::string_view name);
absl::Status SaveSecret(SqlSession& db, std::string_view name, const std::string& text);
absl::Status DeleteSecret(SqlSession& db, std::string_view name);

/// The row of a database that is being filled by a copy.
inline constexpr char kCopyingName[] = "copying";

/// kFailedPrecondition, reason BLOBS_ARE_ELSEWHERE: they are at `location`.
absl::Status BlobsElsewhere(const std::string& location);

/// Binds the database to the objects at `location`, or checks that it is bound to them.
/// kFailedPrecondition, reason BLOBS_ARE_ELSEWHERE, when the database has its blobs at another
/// place; COPY_UNFINISHED, when a copy into it has begun and not ended;
/// OBJECTS_OF_ANOTHER_DATABASE; and the store's errors.
absl::Status BindObjects(Database& database, ObjectStore& objects, const std::string& location);

/// The same for a database whose blobs have just been copied to `location`.
absl::Status RebindObjects(Database& database, ObjectStore& objects, const std::string& location);

}  // namespace vico::server
