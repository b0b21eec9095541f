#include "server/rows/adapter_rows.h"

#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"

namespace vico::server {

absl::StatusOr<std::string> ConceptOfAdapter(SqlSession& db, std::string_view tenant,
                                             std::string_view adapter) {
  std::string found;
  // A server of an earlier version leaves the column empty.
  RETURN_IF_ERROR(db.Query(
      "SELECT coalesce(adapter.concept, (SELECT job.concept FROM job "
      "WHERE job.result_adapter = adapter.name)) FROM adapter WHERE name = ? AND tenant = ?",
      {adapter, tenant}, [&](const SqlRow& row) {
        found = row.Text(0);
        return absl::OkStatus();
      }));
  return found;
}

absl::StatusOr<v1::TrainingCheckpoints> StoredOf(SqlSession& db, std::string_view tenant,
                                                 v1::TrainingCheckpoints checkpoints) {
  v1::TrainingCheckpoints stored;
  for (v1::Event::Checkpoint& checkpoint : *checkpoints.mutable_newest_first()) {
    const auto blob = FindLiveBlob(db, tenant, checkpoint.blob().sha256());
    if (absl::IsNotFound(blob.status())) continue;
    RETURN_IF_ERROR(blob.status());
    *stored.add_newest_first() = std::move(checkpoint);
  }
  return stored;
}

absl::StatusOr<v1::TrainingCheckpoints> CheckpointsOfAdapter(SqlSession& db,
                                                             std::string_view tenant,
                                                             std::string_view adapter) {
  v1::TrainingCheckpoints kept;
  RETURN_IF_ERROR(db.Query("SELECT checkpoints FROM job WHERE result_adapter = ? AND tenant = ?",
                           {adapter, tenant}, [&](const SqlRow& row) {
                             return kept.ParseFromString(row.Text(0))
                                        ? absl::OkStatus()
                                        : absl::DataLossError(
                                              "database: a stored checkpoint cannot be read");
                           }));
  return StoredOf(db, tenant, std::move(kept));
}

absl::Status SaveReport(SqlSession& db, absl::Time now, std::string_view tenant,
                        const v1::AdapterReport& report) {
  const std::string user = ReportUser(report.adapter());
  RETURN_IF_ERROR(UnnameBlobs(db, now, tenant, user));
  RETURN_IF_ERROR(NameBlobs(db, tenant, user, {report.sheet()}));
  const std::string bytes = report.SerializeAsString();
  return db.SendOne(
      "UPDATE adapter SET report = ? WHERE name = ? AND tenant = ?",
      {Bytes{bytes}, std::string_view(report.adapter()), tenant},
      Error(absl::StatusCode::kNotFound, fmt::format("{}: does not exist", report.adapter()),
            "ADAPTER_NOT_FOUND"));
}

}  // namespace vico::server
