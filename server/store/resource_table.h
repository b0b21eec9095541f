// Rows of clients' resources: concepts, adapters, uploaded pictures. Each of their tables holds one
// message a row, which these functions find, create and delete.
//
// A `Table` names its type of message, its statements kFind and kDelete (of name and tenant), the
// reason kMissing, and has NewName(), CheckQuota(), Insert(), BlobsOf() and FurtherUsers().
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/rows/request_row.h"
#include "server/sql/database.h"
#include "server/tenants/tenant_quota.h"

namespace vico::server {

/// kDataLoss for bytes that are not a `Message`.
template <typename Message>
absl::StatusOr<Message> ParseStored(const std::string& bytes) {
  Message message;
  if (message.ParseFromString(bytes)) return message;
  return absl::DataLossError(
      fmt::format("database: a stored {} cannot be read", Message::descriptor()->name()));
}

/// The message in the first column of the one row of a query; `missing` if there is none.
template <typename Message>
absl::StatusOr<Message> FindStored(SqlSession& db, std::string_view sql, SqlValues values,
                                   const absl::Status& missing) {
  absl::StatusOr<Message> found = missing;
  RETURN_IF_ERROR(db.Query(sql, values, [&](const SqlRow& row) {
    found = ParseStored<Message>(row.Text(0));
    return absl::OkStatus();
  }));
  return found;
}

/// kNotFound, reason Table::kMissing.
template <typename Table>
absl::Status NoSuchResource(std::string_view name) {
  return Error(absl::StatusCode::kNotFound, fmt::format("{}: does not exist", name),
               Table::kMissing);
}

template <typename Table>
absl::StatusOr<typename Table::Message> FindResource(SqlSession& db, std::string_view tenant,
                                                     std::string_view name) {
  return FindStored<typename Table::Message>(db, Table::kFind, {name, tenant},
                                             NoSuchResource<Table>(name));
}

/// FindResource() in a transaction of its own.
template <typename Table>
absl::StatusOr<typename Table::Message> GetResource(Database& database, std::string_view tenant,
                                                    std::string_view name) {
  typename Table::Message message;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(message, FindResource<Table>(db, tenant, name));
    return absl::OkStatus();
  }));
  return message;
}

/// What the request created; kNotFound, reason REQUEST_IS_NEW or REQUEST_RESULT_DELETED.
template <typename Table>
absl::StatusOr<typename Table::Message> FindResourceByRequest(Database& database,
                                                              const RequestKey& key) {
  typename Table::Message message;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string name, FindRequest(db, key));
    if (name.empty()) return RequestIsNew();
    ASSIGN_OR_RETURN(message, FindResource<Table>(db, key.tenant, name));
    return absl::OkStatus();
  }));
  return message;
}

/// Fills in the name, and `now` (wall time) as the create time. A repeat gets what the first
/// request created. kResourceExhausted of Table::CheckQuota(); kFailedPrecondition as NameBlobs().
template <typename Table>
absl::StatusOr<typename Table::Message> CreateResource(Database& database, absl::Time now,
                                                       const TenantQuota& quota,
                                                       const RequestKey& key,
                                                       typename Table::Message message) {
  VICO_FAILPOINT("catalog.before_row");
  message.set_name(Table::NewName());
  *message.mutable_create_time() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(now));
  RETURN_IF_ERROR(database.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(db.Lock(TenantScope(key.tenant)));
    ASSIGN_OR_RETURN(const std::string earlier, FindRequest(db, key));
    if (!earlier.empty()) {
      ASSIGN_OR_RETURN(message, FindResource<Table>(db, key.tenant, earlier));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Table::CheckQuota(db, quota, key.tenant));
    const std::string bytes = message.SerializeAsString();
    RETURN_IF_ERROR(Table::Insert(db, key.tenant, message, Bytes{bytes}));
    RETURN_IF_ERROR(NameBlobs(db, key.tenant, message.name(), Table::BlobsOf(message)));
    return InsertRequest(db, key, message.name());
  }));
  return message;
}

/// Deletes the row and its references to blobs, and marks its request. kNotFound, reason
/// Table::kMissing. `now` is store time.
template <typename Table>
absl::Status DeleteResource(SqlSession& db, absl::Time now, std::string_view tenant,
                            std::string_view name) {
  ASSIGN_OR_RETURN(const int deleted, db.Execute(Table::kDelete, {name, tenant}));
  if (deleted == 0) return NoSuchResource<Table>(name);
  RETURN_IF_ERROR(MarkRequestGone(db, now, tenant, name));
  for (const std::string& user : Table::FurtherUsers(name)) {
    RETURN_IF_ERROR(UnnameBlobs(db, now, tenant, user));
  }
  return UnnameBlobs(db, now, tenant, name);
}

}  // namespace vico::server
