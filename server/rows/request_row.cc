#include "server/rows/request_row.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {

absl::StatusOr<std::string> FindRequest(SqlSession& db, const RequestKey& key) {
  std::string resource;
  RETURN_IF_ERROR(db.Query(
      "SELECT resource, body_hash, gone_time FROM request WHERE tenant = ? AND request_id = ?",
      {key.tenant, key.request_id}, [&](const SqlRow& row) -> absl::Status {
        if (row.Text(1) != key.body_hash) {
          return Error(absl::StatusCode::kFailedPrecondition,
                       "request_id: was used before with another request", "REQUEST_ID_REUSED");
        }
        resource = row.Text(0);
        if (row.Int(2) != 0) {
          return Error(absl::StatusCode::kNotFound,
                       fmt::format("request_id: created {}, which has been deleted", resource),
                       "REQUEST_RESULT_DELETED");
        }
        return absl::OkStatus();
      }));
  return resource;
}

absl::Status InsertRequest(SqlSession& db, const RequestKey& key, std::string_view resource) {
  return db.Send(
      "INSERT INTO request (tenant, request_id, body_hash, resource) VALUES (?, ?, ?, ?)",
      {key.tenant, key.request_id, key.body_hash, resource});
}

absl::Status MarkRequestGone(SqlSession& db, absl::Time now, std::string_view tenant,
                             std::string_view resource) {
  return db.Send("UPDATE request SET gone_time = ? WHERE tenant = ? AND resource = ?",
                 {absl::ToUnixMicros(now), tenant, resource});
}

absl::Status RequestIsNew() {
  return Error(absl::StatusCode::kNotFound, "request_id: is new", "REQUEST_IS_NEW");
}

}  // namespace vico::server
