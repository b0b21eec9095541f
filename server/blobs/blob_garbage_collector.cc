#include "server/blobs/blob_garbage_collector.h"

#include <algorithm>
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

/// Marks garbage older than ?1, at most ?2 blobs, for which `condition` holds.
std::string MarkSql(std::string_view condition) {
  return fmt::format(
      "UPDATE blob SET state = 'deleting' WHERE (tenant, sha256) IN ("
      "SELECT blob.tenant, blob.sha256 FROM blob WHERE state = 'live' AND time < ?1 AND {} AND {} "
      "AND NOT EXISTS (SELECT 1 FROM job WHERE job.tenant = blob.tenant "
      "AND job.state = 'running' AND job.start_time <= blob.time) ORDER BY time LIMIT ?2)",
      condition, UnreferencedBlobSql());
}

}  // namespace

absl::StatusOr<int> BlobGarbageCollector::MarkOfFullTenants(SqlSession& db, int limit) const {
  static const std::string kMarkOfTenant = MarkSql("tenant = ?3");
  if (quota_.bytes == 0) return 0;
  std::vector<std::string> full;
  const auto most = static_cast<int64_t>(quota_.bytes - quota_.bytes / 10);
  RETURN_IF_ERROR(db.Query("SELECT tenant FROM blob_total WHERE bytes >= ? AND tenant <> ?",
                           {most, kSystemTenant}, [&](const SqlRow& row) {
                             full.push_back(row.Text(0));
                             return absl::OkStatus();
                           }));
  const int64_t before = absl::ToUnixMicros(time_.Now() - std::min(age_, kAgeOfFullTenants));
  int marked = 0;
  for (const std::string& tenant : full) {
    ASSIGN_OR_RETURN(const int more,
                     db.Execute(kMarkOfTenant, {before, int64_t{limit} - marked, tenant}));
    marked += more;
  }
  return marked;
}

absl::StatusOr<int> BlobGarbageCollector::Turn(int limit) {
  static const std::string kMark = MarkSql("TRUE");
  int marked = 0;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(marked,
                     db.Execute(kMark, {absl::ToUnixMicros(time_.Now() - age_), int64_t{limit}}));
    ASSIGN_OR_RETURN(const int more, MarkOfFullTenants(db, limit - marked));
    marked += more;
    return absl::OkStatus();
  }));
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
