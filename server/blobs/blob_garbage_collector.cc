#include "server/blobs/blob_garbage_collector.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/dead_objects.h"
#include "server/jobs/job.h"

namespace vico::server {

namespace {

constexpr absl::Duration kAgeOfFullTenants = absl::Minutes(10);
// Of a search that found nothing.
constexpr int kRestOfSearch = 20;

/// Whether a blob is garbage older than ?1.
std::string IsGarbageSql() {
  return fmt::format(
      "state = 'live' AND time < ?1 AND {} AND NOT EXISTS (SELECT 1 FROM job "
      "WHERE job.tenant = blob.tenant AND job.state = 'running' "
      "AND job.start_time <= blob.time)",
      UnreferencedBlobSql());
}

/// The oldest garbage for which `condition` holds, at most ?2 blobs.
std::string FindSql(std::string_view condition) {
  return fmt::format("SELECT tenant, sha256 FROM blob WHERE {} AND {} ORDER BY time LIMIT ?2",
                     IsGarbageSql(), condition);
}

}  // namespace

/// Adds garbage to `found`, up to `limit` blobs in it.
absl::Status BlobGarbageCollector::Find(SqlSession& db, size_t limit,
                                        std::vector<Garbage>& found) const {
  static const std::string kFind = FindSql("TRUE");
  static const std::string kFindOfTenant = FindSql("tenant = ?3");
  const auto add = [&found](int64_t before) {
    return [&found, before](const SqlRow& row) {
      found.push_back({row.Text(0), row.Text(1), before});
      return absl::OkStatus();
    };
  };
  const int64_t before = absl::ToUnixMicros(parts_.time.Now() - age_);
  RETURN_IF_ERROR(db.Query(kFind, {before, static_cast<int64_t>(limit)}, add(before)));
  if (quota_.bytes == 0) return absl::OkStatus();
  std::vector<std::string> full;
  const auto most = static_cast<int64_t>(quota_.bytes - quota_.bytes / 10);
  RETURN_IF_ERROR(db.Query("SELECT tenant FROM blob_total WHERE bytes >= ? AND tenant <> ?",
                           {most, kSystemTenant}, [&](const SqlRow& row) {
                             full.push_back(row.Text(0));
                             return absl::OkStatus();
                           }));
  const int64_t soon = absl::ToUnixMicros(parts_.time.Now() - std::min(age_, kAgeOfFullTenants));
  for (const std::string& tenant : full) {
    if (found.size() >= limit) break;
    RETURN_IF_ERROR(db.Query(
        kFindOfTenant, {soon, static_cast<int64_t>(limit - found.size()), tenant}, add(soon)));
  }
  return absl::OkStatus();
}

/// Deletes up to `limit` rows. The search reads all old blobs, so it holds no writer up, and rests
/// when it finds nothing.
absl::StatusOr<int> BlobGarbageCollector::DeleteRows(size_t limit) {
  static const std::string kDelete =
      fmt::format("DELETE FROM blob WHERE tenant = ?2 AND sha256 = ?3 AND {}", IsGarbageSql());
  const auto begun = std::chrono::steady_clock::now();
  if (begun < next_search_) return 0;
  std::vector<Garbage> found;
  RETURN_IF_ERROR(parts_.database.Read([&](SqlSession& db) {
    found.clear();
    return Find(db, limit, found);
  }));
  if (found.empty()) {
    const auto ended = std::chrono::steady_clock::now();
    next_search_ = ended + kRestOfSearch * (ended - begun);
    return 0;
  }
  int count = 0;
  RETURN_IF_ERROR(parts_.database.Write([&](SqlSession& db) -> absl::Status {
    count = 0;
    for (const Garbage& blob : found) {
      // Skips a blob that is being named. Once its row is locked, a second statement sees whatever
      // was named before.
      std::string key;
      RETURN_IF_ERROR(
          db.Query("SELECT object_key FROM blob WHERE tenant = ? AND sha256 = ? "
                   "FOR UPDATE SKIP LOCKED",
                   {blob.tenant, blob.sha256}, [&](const SqlRow& row) {
                     key = row.Text(0);
                     return absl::OkStatus();
                   }));
      if (key.empty()) continue;
      ASSIGN_OR_RETURN(const int deleted,
                       db.Execute(kDelete, {blob.before, blob.tenant, blob.sha256}));
      if (deleted == 0) continue;
      RETURN_IF_ERROR(BuryObject(db, key, parts_.time.Now() + parts_.grace));
      ++count;
    }
    return absl::OkStatus();
  }));
  return count;
}

absl::StatusOr<int> BlobGarbageCollector::Turn(int limit) {
  ASSIGN_OR_RETURN(const int deleted, DeleteRows(static_cast<size_t>(limit)));
  RETURN_IF_ERROR(RemoveDueObjects(parts_, 2 * limit).status());
  return deleted;
}

}  // namespace vico::server
