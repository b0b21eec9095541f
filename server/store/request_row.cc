#include "server/store/request_row.h"

#include "common/status.h"

namespace vico::server {

absl::StatusOr<std::string> FindRequest(SqlSession& db, const RequestKey& key) {
  std::string resource;
  RETURN_IF_ERROR(db.Query(
      "SELECT resource, body_hash FROM request WHERE tenant = ? AND request_id = ?",
      {key.tenant, key.request_id}, [&](const SqlRow& row) -> absl::Status {
        if (row.Text(1) != key.body_hash) {
          return Error(absl::StatusCode::kFailedPrecondition,
                       "request_id: was used before with another request", "REQUEST_ID_REUSED");
        }
        resource = row.Text(0);
        return absl::OkStatus();
      }));
  return resource;
}

absl::Status InsertRequest(SqlSession& db, const RequestKey& key, std::string_view resource) {
  return db
      .Execute("INSERT INTO request (tenant, request_id, body_hash, resource) VALUES (?, ?, ?, ?)",
               {key.tenant, key.request_id, key.body_hash, resource})
      .status();
}

}  // namespace vico::server
