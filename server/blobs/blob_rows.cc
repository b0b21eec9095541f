#include "server/blobs/blob_rows.h"

#include <array>
#include <map>

#include <fmt/format.h>

#include "common/status.h"
#include "server/jobs/job.h"
#include "server/objects/object_key.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/concept.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {
namespace {

constexpr std::array<BlobReference, 1> kReferences{{
    {"blob_use", "sha256", R"("user")"},
}};

absl::Status BlobMissing(std::string_view sha256) {
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("blob {}: is not stored; upload it again", sha256), "BLOB_MISSING");
}

constexpr char kFindLive[] =
    "SELECT size_bytes, time, object_key FROM blob "
    "WHERE tenant = ? AND sha256 = ? AND state = 'live'";
constexpr char kFindLiveAndHold[] =
    "SELECT size_bytes, time, object_key FROM blob "
    "WHERE tenant = ? AND sha256 = ? AND state = 'live' FOR SHARE";

absl::StatusOr<BlobRow> FindLive(SqlSession& db, std::string_view sql, std::string_view tenant,
                                 std::string_view sha256) {
  absl::StatusOr<BlobRow> found = Error(
      absl::StatusCode::kNotFound, fmt::format("blob {}: is not stored", sha256), "BLOB_NOT_FOUND");
  RETURN_IF_ERROR(db.Query(sql, {tenant, sha256}, [&](const SqlRow& row) {
    found = BlobRow{std::string(tenant), std::string(sha256), static_cast<uint64_t>(row.Int(0)),
                    absl::FromUnixMicros(row.Int(1)), row.Text(2)};
    return absl::OkStatus();
  }));
  return found;
}

absl::Status InsertUse(SqlSession& db, std::string_view tenant, std::string_view user,
                       std::string_view sha256) {
  if (sha256.empty()) return absl::OkStatus();
  return db.Send(
      R"sql(INSERT INTO blob_use (tenant, sha256, "user") VALUES (?, ?, ?)
                  ON CONFLICT DO NOTHING)sql",
      {tenant, sha256, user});
}

/// References the blobs of each message that `sql` finds. Its columns: tenant, user, message.
template <typename Message, typename BlobsOf>
absl::Status NameAll(SqlSession& db, std::string_view sql, const BlobsOf& blobs_of) {
  return db.Query(sql, {}, [&](const SqlRow& row) -> absl::Status {
    Message message;
    if (!message.ParseFromString(row.Text(2))) {
      return absl::DataLossError(
          fmt::format("database: a stored {} cannot be read", Message::descriptor()->name()));
    }
    for (const v1::BlobRef& blob : blobs_of(message)) {
      RETURN_IF_ERROR(InsertUse(db, row.Text(0), row.Text(1), blob.sha256()));
    }
    return absl::OkStatus();
  });
}

}  // namespace

std::span<const BlobReference> BlobReferences() { return kReferences; }

absl::Status SaveBlobRow(SqlSession& db, absl::Time now, std::string_view tenant,
                         const v1::BlobRef& blob, const std::string& object_key,
                         absl::Duration grace) {
  const auto size_bytes = static_cast<int64_t>(blob.size_bytes());
  // Another upload may insert the row, and a collector delete it, between two statements.
  for (int attempt = 0; attempt < 3; ++attempt) {
    ASSIGN_OR_RETURN(
        const int inserted,
        db.Execute("INSERT INTO blob (tenant, sha256, size_bytes, state, time, "
                   "object_key) VALUES (?, ?, ?, 'live', ?, ?) ON CONFLICT DO NOTHING",
                   {tenant, blob.sha256(), size_bytes, absl::ToUnixMicros(now), object_key}));
    if (inserted == 1) return absl::OkStatus();
    std::string before;
    RETURN_IF_ERROR(
        db.Query("SELECT object_key FROM blob WHERE tenant = ? AND sha256 = ? FOR NO KEY UPDATE",
                 {tenant, blob.sha256()}, [&](const SqlRow& row) {
                   before = row.Text(0);
                   return absl::OkStatus();
                 }));
    if (before.empty()) continue;
    if (before != object_key) RETURN_IF_ERROR(BuryObject(db, before, now + grace));
    return db.Send(
        "UPDATE blob SET size_bytes = ?, state = 'live', time = ?, object_key = ? "
        "WHERE tenant = ? AND sha256 = ?",
        {size_bytes, absl::ToUnixMicros(now), object_key, tenant, blob.sha256()});
  }
  return WithRetryAfter(absl::UnavailableError("blob: is being deleted; upload it again"),
                        absl::Seconds(1));
}

absl::Status BuryObject(SqlSession& db, const std::string& object_key, absl::Time remove_after) {
  ASSIGN_OR_RETURN(const ObjectKey key, ParseObjectKey(object_key));
  return db.Send(
      "INSERT INTO dead_object (object_key, tenant, remove_after) VALUES (?, ?, ?) "
      "ON CONFLICT (object_key) DO NOTHING",
      {object_key, key.tenant, absl::ToUnixMicros(remove_after)});
}

absl::StatusOr<BlobRow> FindLiveBlob(SqlSession& db, std::string_view tenant,
                                     std::string_view sha256) {
  return FindLive(db, kFindLive, tenant, sha256);
}

absl::Status NameBlobs(SqlSession& db, std::string_view tenant, std::string_view user,
                       const std::vector<v1::BlobRef>& blobs) {
  std::map<std::string, uint64_t> sizes;  // by digest
  for (const v1::BlobRef& blob : blobs) {
    if (blob.sha256().empty()) continue;
    const auto [known, added] = sizes.emplace(blob.sha256(), blob.size_bytes());
    if (!added && known->second != blob.size_bytes()) return BlobMissing(blob.sha256());
  }
  for (const auto& [sha256, size_bytes] : sizes) {
    const absl::StatusOr<BlobRow> row = FindLive(db, kFindLiveAndHold, tenant, sha256);
    if (absl::IsNotFound(row.status())) return BlobMissing(sha256);
    if (!row.ok()) return row.status();
    if (row->size_bytes != size_bytes) return BlobMissing(sha256);
    RETURN_IF_ERROR(InsertUse(db, tenant, user, sha256));
  }
  return absl::OkStatus();
}

absl::Status UnnameBlobs(SqlSession& db, absl::Time now, std::string_view tenant,
                         std::string_view user) {
  RETURN_IF_ERROR(db.Send(R"sql(UPDATE blob SET time = ?1 WHERE tenant = ?2 AND sha256 IN
                                (SELECT sha256 FROM blob_use WHERE "user" = ?3 AND tenant = ?2)
                             )sql",
                          {absl::ToUnixMicros(now), tenant, user}));
  return db.Send(R"(DELETE FROM blob_use WHERE "user" = ? AND tenant = ?)", {user, tenant});
}

absl::StatusOr<std::vector<std::string>> UsersOfBlob(SqlSession& db, std::string_view tenant,
                                                     std::string_view sha256) {
  std::vector<std::string> users;
  for (const BlobReference& reference : kReferences) {
    const std::string sql =
        fmt::format("SELECT {} FROM {} WHERE tenant = ? AND {} = ?", reference.user_column,
                    reference.table, reference.sha256_column);
    RETURN_IF_ERROR(db.Query(sql, {tenant, sha256}, [&](const SqlRow& row) {
      users.push_back(row.Text(0));
      return absl::OkStatus();
    }));
  }
  return users;
}

absl::StatusOr<std::vector<BlobRow>> LostBlobs(SqlSession& db) {
  std::vector<BlobRow> lost;
  for (const BlobReference& reference : kReferences) {
    const std::string sql = fmt::format(
        "SELECT DISTINCT r.tenant, r.{0} FROM {1} AS r WHERE r.{0} IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM blob WHERE blob.tenant = r.tenant AND blob.sha256 = r.{0} "
        "AND blob.state = 'live')",
        reference.sha256_column, reference.table);
    RETURN_IF_ERROR(db.Query(sql, {}, [&](const SqlRow& row) {
      lost.push_back({.tenant = row.Text(0), .sha256 = row.Text(1)});
      return absl::OkStatus();
    }));
  }
  return lost;
}

std::string UnreferencedBlobSql() {
  std::string sql;
  for (const BlobReference& reference : kReferences) {
    if (!sql.empty()) sql += " AND ";
    sql += fmt::format(
        "NOT EXISTS (SELECT 1 FROM {0} AS r WHERE r.tenant = blob.tenant AND r.{1} = blob.sha256)",
        reference.table, reference.sha256_column);
  }
  return sql;
}

absl::Status ReferenceBlobsOfOlderRows(SqlSession& db) {
  using Blobs = std::vector<v1::BlobRef>;
  RETURN_IF_ERROR(NameAll<v1::Concept>(db, "SELECT tenant, name, message FROM concept",
                                       [](const v1::Concept& message) {
                                         Blobs blobs;
                                         for (const auto& picture : message.pictures()) {
                                           blobs.push_back(picture.blob());
                                         }
                                         return blobs;
                                       }));
  RETURN_IF_ERROR(NameAll<v1::Adapter>(db, "SELECT tenant, name, message FROM adapter",
                                       [](const v1::Adapter& message) {
                                         return Blobs{message.blob(), message.reference()};
                                       }));
  RETURN_IF_ERROR(
      NameAll<v1::OfferedBaseModel>(db, "SELECT 'system', name, message FROM base_model",
                                    [](const v1::OfferedBaseModel& message) {
                                      Blobs blobs{message.vocabulary(), message.merges()};
                                      if (message.has_added_tokens()) {
                                        blobs.push_back(message.added_tokens());
                                      }
                                      return blobs;
                                    }));
  RETURN_IF_ERROR(NameAll<v1::GenerateResult>(db, "SELECT tenant, name, pictures FROM job",
                                              [](const v1::GenerateResult& message) {
                                                Blobs blobs;
                                                for (const auto& picture : message.pictures()) {
                                                  blobs.push_back(picture.blob());
                                                }
                                                return blobs;
                                              }));
  RETURN_IF_ERROR(NameAll<v1::TrainingCheckpoints>(
      db, "SELECT tenant, name || '/checkpoints', checkpoints FROM job",
      [](const v1::TrainingCheckpoints& message) { return BlobsNamedBy(message); }));
  return NameAll<v1::Event>(
      db, "SELECT job.tenant, job.name, event.event FROM event JOIN job ON job.number = event.job",
      [](const v1::Event& message) { return BlobsNamedBy(message); });
}

}  // namespace vico::server
