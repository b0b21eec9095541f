#include "server/blobs/blob_reconciliation.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status.h"
#include "server/blobs/blob_recovery.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/damaged_blob.h"

namespace vico::server {
namespace {

constexpr absl::Duration kBetweenReconciliations = absl::Hours(24);
constexpr absl::Duration kBetweenLooks = absl::Minutes(1);
// An upload announces its object before it stores it. This covers clocks that differ, too.
constexpr absl::Duration kYoungestUnnamed = absl::Hours(24);
constexpr int64_t kRowsPerRead = 1000;

uint64_t HashOfKey(const std::string& key) { return std::hash<std::string>()(key); }

/// Whether neither a blob nor a dead object has this key.
absl::StatusOr<bool> IsUnnamed(SqlSession& db, const std::string& key) {
  ASSIGN_OR_RETURN(const int64_t named,
                   db.QueryInt("SELECT (SELECT count(*) FROM blob WHERE object_key = ?1) + "
                               "(SELECT count(*) FROM dead_object WHERE object_key = ?1)",
                               {key}, 0));
  return named == 0;
}

/// Buries those of `keys` that nothing names.
absl::StatusOr<int> BuryUnnamed(const BlobParts& parts, const std::vector<std::string>& keys) {
  std::vector<std::string> unnamed;
  RETURN_IF_ERROR(parts.database.Read([&](SqlSession& db) -> absl::Status {
    unnamed.clear();
    for (const std::string& key : keys) {
      ASSIGN_OR_RETURN(const bool is_unnamed, IsUnnamed(db, key));
      if (is_unnamed) unnamed.push_back(key);
    }
    return absl::OkStatus();
  }));
  if (unnamed.empty()) return 0;
  // A key that nothing names cannot get a name any more: an upload names only what it announced.
  RETURN_IF_ERROR(parts.database.Write([&](SqlSession& db) -> absl::Status {
    for (const std::string& key : unnamed) {
      RETURN_IF_ERROR(BuryObject(db, key, parts.time.Now() + parts.grace));
    }
    return absl::OkStatus();
  }));
  return static_cast<int>(unnamed.size());
}

/// The next rows by name; empty after the last one.
absl::StatusOr<std::vector<BlobRow>> RowsAfter(Database& database, const BlobRow& last) {
  std::vector<BlobRow> rows;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) {
    rows.clear();
    return db.Query(
        "SELECT tenant, sha256, size_bytes, time, object_key FROM blob "
        "WHERE (tenant, sha256) > (?, ?) AND state = 'live' ORDER BY tenant, sha256 LIMIT ?",
        {last.tenant, last.sha256, kRowsPerRead}, [&](const SqlRow& row) {
          rows.push_back({row.Text(0), row.Text(1), static_cast<uint64_t>(row.Int(2)),
                          absl::FromUnixMicros(row.Int(3)), row.Text(4)});
          return absl::OkStatus();
        });
  }));
  return rows;
}

/// Whether the store has no object of the row: one that was stored during the list is read.
absl::StatusOr<bool> IsGone(const BlobParts& parts, const BlobRow& row) {
  ASSIGN_OR_RETURN(const auto reader, parts.objects.Open(row.object_key, row.size_bytes));
  const auto first = reader->Read(0, 1);
  if (first.ok()) return false;
  if (!IsAboutBytes(first.status())) return first.status();
  return true;
}

}  // namespace

absl::StatusOr<ReconciliationSummary> ReconcileBlobs(const BlobParts& parts) {
  ReconciliationSummary summary;
  const absl::Time old = parts.time.Now() - kYoungestUnnamed;
  std::vector<uint64_t> stored;
  std::vector<std::string> batch;
  const auto flush = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const int unnamed, BuryUnnamed(parts, batch));
    summary.unnamed += unnamed;
    batch.clear();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(parts.objects.List([&](const ObjectInfo& object) -> absl::Status {
    stored.push_back(HashOfKey(object.key));
    if (object.time < old) batch.push_back(object.key);
    return batch.size() < static_cast<size_t>(kRowsPerRead) ? absl::OkStatus() : flush();
  }));
  RETURN_IF_ERROR(flush());
  summary.objects = static_cast<int>(stored.size());
  std::sort(stored.begin(), stored.end());

  for (BlobRow last;;) {
    ASSIGN_OR_RETURN(const std::vector<BlobRow> rows, RowsAfter(parts.database, last));
    if (rows.empty()) return summary;
    for (const BlobRow& row : rows) {
      if (std::binary_search(stored.begin(), stored.end(), HashOfKey(row.object_key))) continue;
      ASSIGN_OR_RETURN(const bool gone, IsGone(parts, row));
      if (!gone) continue;
      ASSIGN_OR_RETURN(const Quarantined forgotten, QuarantineDamaged(parts, row));
      summary.forgotten += forgotten.moved ? 1 : 0;
    }
    last = rows.back();
  }
}

/// Takes the turn of today, among all servers.
absl::StatusOr<bool> BlobReconciliation::IsDue() {
  bool due = false;
  RETURN_IF_ERROR(parts_.database.Write([&](SqlSession& db) -> absl::Status {
    const int64_t now = absl::ToUnixMicros(parts_.time.Now());
    const int64_t before = now - absl::ToInt64Microseconds(kBetweenReconciliations);
    // The first turn of an installation notes the time only.
    RETURN_IF_ERROR(db.Send(R"(INSERT INTO reconciliation ("only", time) VALUES (1, ?) )"
                            R"(ON CONFLICT ("only") DO NOTHING)",
                            {now}));
    ASSIGN_OR_RETURN(
        const int taken,
        db.Execute("UPDATE reconciliation SET time = ? WHERE time <= ?", {now, before}));
    due = taken == 1;
    return absl::OkStatus();
  }));
  return due;
}

absl::Status BlobReconciliation::Turn() {
  if (!parts_.objects.remote() || parts_.time.Now() < next_look_) return absl::OkStatus();
  next_look_ = parts_.time.Now() + kBetweenLooks;
  ASSIGN_OR_RETURN(const bool due, IsDue());
  if (!due) return absl::OkStatus();
  ASSIGN_OR_RETURN(const ReconciliationSummary summary, ReconcileBlobs(parts_));
  log_.Info("blobs and objects were compared", {{"objects", summary.objects},
                                                {"unnamed", summary.unnamed},
                                                {"forgotten", summary.forgotten}});
  ASSIGN_OR_RETURN(const std::vector<LostBlob> lost, ReferencedLostBlobs(parts_.database));
  for (const LostBlob& blob : lost) {
    log_.Error("a blob is lost", {{"tenant", blob.tenant},
                                  {"sha256", blob.sha256},
                                  {"named_by", fmt::format("{}", fmt::join(blob.users, " "))}});
  }
  return absl::OkStatus();
}

}  // namespace vico::server
