#include "server/blobs/blob_garbage_collector.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/tracked_blob_store.h"

namespace vico::server {

absl::StatusOr<int> BlobGarbageCollector::Turn(int limit) {
  static const std::string kMark = fmt::format(
      "UPDATE blob SET state = 'deleting' WHERE (tenant, sha256) IN ("
      "SELECT blob.tenant, blob.sha256 FROM blob WHERE state = 'live' AND time < ?1 AND {} "
      "AND NOT EXISTS (SELECT 1 FROM job WHERE job.tenant = blob.tenant "
      "AND job.state = 'running' AND job.start_time <= blob.time) ORDER BY time LIMIT ?2)",
      UnreferencedBlobSql());
  int marked = 0;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(marked,
                     db.Execute(kMark, {absl::ToUnixMicros(time_.Now() - age_), int64_t{limit}}));
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
