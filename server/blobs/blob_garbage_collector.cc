#include "server/blobs/blob_garbage_collector.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/blob_store_tracked.h"

namespace vico::server {

/// The defect: files go while their rows still say live.
absl::Status BlobGarbageCollector::UnlinkUnnamed() {
  static const std::string kUnnamed =
      fmt::format("SELECT tenant, sha256 FROM blob WHERE state = 'live' AND time < ? AND {}",
                  NothingNamesBlobSql());
  return database_.Read([&](SqliteConnection& db) {
    return db.Query(kUnnamed, {absl::ToUnixMicros(time_.Now() - age_)},
                    [&](const SqlRow& row) { return files_.Remove(row.Text(0), row.Text(1)); });
  });
}

absl::StatusOr<int> BlobGarbageCollector::Turn(int limit) {
  static const std::string kGiveUp = fmt::format(
      "UPDATE blob SET state = 'deleting' WHERE (tenant, sha256) IN ("
      "SELECT tenant, sha256 FROM blob WHERE state = 'live' AND time < ?1 AND {} "
      "AND NOT EXISTS (SELECT 1 FROM job WHERE job.tenant = blob.tenant "
      "AND job.state = 'running' AND job.start_time <= blob.time) ORDER BY time LIMIT ?2)",
      NothingNamesBlobSql());
  if (VICO_DEFECT("blob_unlinked_early")) RETURN_IF_ERROR(UnlinkUnnamed());
  int given_up = 0;
  RETURN_IF_ERROR(database_.Write([&](SqliteConnection& db) -> absl::Status {
    ASSIGN_OR_RETURN(given_up,
                     db.Execute(kGiveUp, {absl::ToUnixMicros(time_.Now() - age_), int64_t{limit}}));
    return absl::OkStatus();
  }));
  std::vector<std::pair<std::string, std::string>> going;
  RETURN_IF_ERROR(database_.Read([&](SqliteConnection& db) {
    return db.Query("SELECT tenant, sha256 FROM blob WHERE state = 'deleting'", {},
                    [&](const SqlRow& row) {
                      going.emplace_back(row.Text(0), row.Text(1));
                      return absl::OkStatus();
                    });
  }));
  for (const auto& [tenant, sha256] : going) {
    RETURN_IF_ERROR(FinishDeletion(database_, files_, tenant, sha256));
  }
  return given_up;
}

}  // namespace vico::server
