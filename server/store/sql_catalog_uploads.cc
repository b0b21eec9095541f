// The catalog's pictures of UploadPicture.
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "common/ids.h"
#include "common/status.h"
#include "server/store/resource_table.h"
#include "server/store/sql_catalog.h"

namespace vico::server {
namespace {

using google::protobuf::util::TimeUtil;

// Of one turn of housekeeping: one transaction, so it must not delay leases.
constexpr int64_t kExpiredAtOnce = 100;

struct UploadedPictureTable {
  using Message = v1::UploadedPicture;
  static constexpr std::string_view kFind =
      "SELECT message FROM uploaded_picture WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kDelete =
      "DELETE FROM uploaded_picture WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kMissing = "PICTURE_NOT_FOUND";
  static std::string NewName() { return fmt::format("pictures/{}", NewId()); }
  static std::vector<v1::BlobRef> BlobsOf(const v1::UploadedPicture& message) {
    return {message.blob()};
  }
  static std::vector<std::string> FurtherUsers(std::string_view /*name*/) { return {}; }
  static absl::Status CheckQuota(SqlSession& db, const TenantQuota& quota,
                                 std::string_view tenant) {
    if (quota.uploaded_pictures == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        const int64_t stored,
        db.QueryInt("SELECT count(*) FROM uploaded_picture WHERE tenant = ?", {tenant}, 0));
    if (stored < quota.uploaded_pictures) return absl::OkStatus();
    return QuotaExceeded(tenant,
                         fmt::format("you have {} uploaded pictures, and at most {} fit: delete "
                                     "pictures, or wait until they expire",
                                     stored, quota.uploaded_pictures));
  }
  static absl::Status Insert(SqlSession& db, std::string_view tenant,
                             const v1::UploadedPicture& message, Bytes bytes) {
    return db.Send(
        "INSERT INTO uploaded_picture (name, tenant, message, expire_time) VALUES (?, ?, ?, ?)",
        {message.name(), tenant, bytes,
         int64_t{TimeUtil::TimestampToMicroseconds(message.expire_time())}});
  }
};

using Expired = std::vector<std::pair<std::string, std::string>>;  // tenant and name

absl::StatusOr<Expired> FindExpired(Database& database, absl::Time now) {
  Expired found;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) {
    found.clear();
    return db.Query(
        "SELECT tenant, name FROM uploaded_picture WHERE expire_time <= ? "
        "ORDER BY expire_time LIMIT ?",
        {absl::ToUnixMicros(now), kExpiredAtOnce}, [&](const SqlRow& row) {
          found.emplace_back(row.Text(0), row.Text(1));
          return absl::OkStatus();
        });
  }));
  return found;
}

}  // namespace

absl::StatusOr<v1::UploadedPicture> SqlCatalog::FindUploadedByRequest(const RequestKey& key) {
  return FindResourceByRequest<UploadedPictureTable>(database_, key);
}

absl::StatusOr<v1::UploadedPicture> SqlCatalog::CreateUploaded(const RequestKey& key,
                                                               v1::UploadedPicture picture) {
  const absl::Time now = time_.Wall();
  *picture.mutable_expire_time() =
      TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(now + keep_uploaded_pictures_));
  return CreateResource<UploadedPictureTable>(database_, now, quota_, key, std::move(picture));
}

absl::StatusOr<v1::UploadedPicture> SqlCatalog::GetUploaded(std::string_view tenant,
                                                            std::string_view name) {
  return GetResource<UploadedPictureTable>(database_, tenant, name);
}

absl::Status SqlCatalog::DeleteUploaded(std::string_view tenant, std::string_view name) {
  return database_.Write([&](SqlSession& db) {
    return DeleteResource<UploadedPictureTable>(db, time_.Now(), tenant, name);
  });
}

absl::StatusOr<int> SqlCatalog::DeleteExpired() {
  const absl::Time now = time_.Now();
  ASSIGN_OR_RETURN(const Expired expired, FindExpired(database_, now));
  // Without expired rows a turn writes nothing.
  if (expired.empty()) return 0;
  int deleted = 0;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    deleted = 0;
    for (const auto& [tenant, name] : expired) {
      const absl::Status gone = DeleteResource<UploadedPictureTable>(db, now, tenant, name);
      if (absl::IsNotFound(gone)) continue;  // its owner was faster
      RETURN_IF_ERROR(gone);
      ++deleted;
    }
    return absl::OkStatus();
  }));
  return deleted;
}

}  // namespace vico::server
