#include "server/store/sql_picture_store.h"

#include <fmt/format.h>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/picture_names.h"
#include "server/rows/job_picture_rows.h"
#include "server/rows/job_rows.h"

namespace vico::server {
namespace {

absl::Status NoSuchPicture(std::string_view job, std::string_view picture) {
  return Error(absl::StatusCode::kNotFound, fmt::format("{}/{}: no such picture", job, picture),
               "PICTURE_NOT_FOUND");
}

absl::StatusOr<v1::Event> ParseStoredEvent(const std::string& bytes) {
  v1::Event event;
  if (event.ParseFromString(bytes)) return event;
  return absl::DataLossError("database: a stored event cannot be read");
}

PictureBlob PictureOf(const v1::Event& event) {
  if (event.has_sample()) {
    const v1::Picture& picture = event.sample().picture();
    return {picture.blob(), picture.width(), picture.height()};
  }
  if (event.has_mask()) return {.blob = event.mask().blob()};
  return {.blob = event.preview().blob()};
}

/// Looks through all events of a job: rows that are older than migration 014 have no names.
absl::Status FindUnnamed(SqlSession& db, int64_t job, std::string_view picture,
                         std::optional<v1::Event>& found) {
  return db.Query("SELECT event FROM event WHERE job = ? ORDER BY sequence DESC", {job},
                  [&](const SqlRow& row) -> absl::Status {
                    if (found) return absl::OkStatus();
                    ASSIGN_OR_RETURN(v1::Event event, ParseStoredEvent(row.Text(0)));
                    if (PictureInJob(event) == picture) found = std::move(event);
                    return absl::OkStatus();
                  });
}

/// The user of a thumbnail's blob. Migration 014 knows it, too: with the blob of the source both
/// rows go.
std::string ThumbnailUser(const std::string& source_sha256) {
  return "thumbnails/" + source_sha256;
}

}  // namespace

absl::StatusOr<PictureBlob> SqlPictureStore::FindInEvents(std::string_view tenant,
                                                          std::string_view job,
                                                          std::string_view picture) {
  std::optional<v1::Event> found;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    found.reset();
    ASSIGN_OR_RETURN(
        const int64_t number,
        db.QueryInt("SELECT number FROM job WHERE name = ? AND tenant = ?", {job, tenant}, 0));
    if (number == 0) return NoSuchJob(job);
    RETURN_IF_ERROR(db.Query(
        "SELECT event FROM event WHERE job = ? AND picture = ? ORDER BY sequence DESC LIMIT 1",
        {number, picture}, [&](const SqlRow& row) -> absl::Status {
          ASSIGN_OR_RETURN(found, ParseStoredEvent(row.Text(0)));
          return absl::OkStatus();
        }));
    if (found) return absl::OkStatus();
    return FindUnnamed(db, number, picture, found);
  }));
  if (!found || PictureOf(*found).blob.sha256().empty()) return NoSuchPicture(job, picture);
  return PictureOf(*found);
}

absl::StatusOr<JobPictures> SqlPictureStore::FindInputs(std::string_view tenant,
                                                        std::string_view job) {
  JobRow row;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(row, FindJobOfTenant(db, tenant, job));
    return LoadJobPictures(db, row);
  }));
  return row.pictures;
}

absl::StatusOr<std::optional<PictureBlob>> SqlPictureStore::FindThumbnail(std::string_view tenant,
                                                                          const ThumbnailKey& key) {
  std::optional<PictureBlob> found;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query(
        "SELECT blob.sha256, blob.size_bytes, thumbnail.width, thumbnail.height FROM thumbnail "
        "JOIN blob ON blob.tenant = thumbnail.tenant AND blob.sha256 = thumbnail.sha256 "
        "WHERE thumbnail.tenant = ? AND thumbnail.source_sha256 = ? AND thumbnail.side = ? "
        "AND thumbnail.media_type = ? AND blob.state = 'live'",
        {tenant, key.source_sha256, int64_t{key.side}, key.media_type}, [&](const SqlRow& row) {
          found.emplace();
          found->blob.set_sha256(row.Text(0));
          found->blob.set_size_bytes(static_cast<uint64_t>(row.Int(1)));
          found->blob.set_media_type(key.media_type);
          found->width = static_cast<int>(row.Int(2));
          found->height = static_cast<int>(row.Int(3));
          return absl::OkStatus();
        });
  }));
  return found;
}

absl::Status SqlPictureStore::SaveThumbnail(std::string_view tenant, const ThumbnailKey& key,
                                            const PictureBlob& thumbnail) {
  if (thumbnail.blob.sha256() == key.source_sha256) {
    return absl::InternalError("thumbnail: a blob that names itself would never be garbage");
  }
  return database_.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(NameBlobs(db, tenant, ThumbnailUser(key.source_sha256), {thumbnail.blob}));
    ASSIGN_OR_RETURN(const int64_t source,
                     db.QueryInt("SELECT 1 FROM blob WHERE tenant = ? AND sha256 = ? "
                                 "AND state = 'live' FOR SHARE",
                                 {tenant, key.source_sha256}, 0));
    if (source == 0) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   fmt::format("blob {}: is not stored", key.source_sha256), "BLOB_MISSING");
    }
    return db.Send(
        "INSERT INTO thumbnail (tenant, source_sha256, side, media_type, sha256, width, "
        "height) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (tenant, source_sha256, side, media_type) DO UPDATE SET "
        "sha256 = excluded.sha256, width = excluded.width, height = excluded.height",
        {tenant, key.source_sha256, int64_t{key.side}, key.media_type, thumbnail.blob.sha256(),
         int64_t{thumbnail.width}, int64_t{thumbnail.height}});
  });
}

}  // namespace vico::server
