#include "server/blobs/blob_garbage_collector.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/tracked_blob_store.h"
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
  const int64_t before = absl::ToUnixMicros(time_.Now() - age_);
  RETURN_IF_ERROR(db.Query(kFind, {before, static_cast<int64_t>(limit)}, add(before)));
  if (quota_.bytes == 0) return absl::OkStatus();
  std::vector<std::string> full;
  const auto most = static_cast<int64_t>(quota_.bytes - quota_.bytes / 10);
  RETURN_IF_ERROR(db.Query("SELECT tenant FROM blob_total WHERE bytes >= ? AND tenant <> ?",
                           {most, kSystemTenant}, [&](const SqlRow& row) {
                             full.push_back(row.Text(0));
                             return absl::OkStatus();
                           }));
  const int64_t soon = absl::ToUnixMicros(time_.Now() - std::min(age_, kAgeOfFullTenants));
  for (const std::string& tenant : full) {
    if (found.size() >= limit) break;
    RETURN_IF_ERROR(db.Query(
        kFindOfTenant, {soon, static_cast<int64_t>(limit - found.size()), tenant}, add(soon)));
  }
  return absl::OkStatus();
}

/// Marks up to `limit` blobs. The search reads all old blobs, so it holds no writer up, and rests
/// when it finds nothing.
absl::StatusOr<int> BlobGarbageCollector::Mark(size_t limit) {
  static const std::string kMark =
      fmt::format("UPDATE blob SET state = 'deleting' WHERE tenant = ?2 AND sha256 = ?3 AND {}",
                  IsGarbageSql());
  const auto begun = std::chrono::steady_clock::now();
  if (begun < next_search_) return 0;
  std::vector<Garbage> found;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) { return Find(db, limit, found); }));
  if (found.empty()) {
    const auto ended = std::chrono::steady_clock::now();
    next_search_ = ended + kRestOfSearch * (ended - begun);
    return 0;
  }
  int marked = 0;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    marked = 0;
    for (const Garbage& blob : found) {
      ASSIGN_OR_RETURN(const int changed,
                       db.Execute(kMark, {blob.before, blob.tenant, blob.sha256}));
      marked += changed;
    }
    return absl::OkStatus();
  }));
  return marked;
}

absl::StatusOr<int> BlobGarbageCollector::Turn(int limit) {
  ASSIGN_OR_RETURN(const int marked, Mark(static_cast<size_t>(limit)));
  std::vector<std::pair<std::string, std::string>> deleting;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query("SELECT tenant, sha256 FROM blob WHERE state = 'deleting'", {},
                    [&](const SqlRow& row) {
                      deleting.emplace_back(row.Text(0), row.Text(1));
                      return absl::OkStatus();
                    });
  }));
  for (const auto& [tenant, sha256] : deleting) {
    RETURN_IF_ERROR(FinishDeletion(database_, files_, tenant, sha256));
  }
  return marked;
}

}  // namespace vico::server
