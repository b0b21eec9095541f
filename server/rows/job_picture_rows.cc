#include "server/rows/job_picture_rows.h"

#include <string>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"

namespace vico::server {
namespace {

bool HasPictures(const JobRow& row) { return !row.job.spec().generate().init_picture().empty(); }

}  // namespace

absl::Status NameJobPictures(SqlSession& db, const JobRow& row) {
  if (!HasPictures(row)) return absl::OkStatus();
  const std::string& job = row.job.name();
  RETURN_IF_ERROR(NameBlobs(db, row.tenant, InitPictureUser(job), {row.pictures.init}));
  return NameBlobs(db, row.tenant, MaskPictureUser(job), {row.pictures.mask});
}

absl::Status LoadJobPictures(SqlSession& db, JobRow& row) {
  row.pictures = {};
  if (!HasPictures(row)) return absl::OkStatus();
  const std::string init = InitPictureUser(row.job.name());
  return db.Query(
      R"sql(SELECT used."user", used.sha256, blob.size_bytes FROM blob_use AS used
            LEFT JOIN blob ON blob.tenant = used.tenant AND blob.sha256 = used.sha256
            WHERE used.tenant = ? AND used."user" IN (?, ?))sql",
      {row.tenant, init, MaskPictureUser(row.job.name())}, [&](const SqlRow& columns) {
        v1::BlobRef& blob = columns.Text(0) == init ? row.pictures.init : row.pictures.mask;
        blob.set_sha256(columns.Text(1));
        blob.set_size_bytes(static_cast<uint64_t>(columns.Int(2)));
        blob.set_media_type("image/png");  // as all pictures of concepts, jobs and adapters
        return absl::OkStatus();
      });
}

absl::Status ReleaseJobPictures(SqlSession& db, absl::Time now, const JobRow& row) {
  if (!HasPictures(row)) return absl::OkStatus();
  RETURN_IF_ERROR(UnnameBlobs(db, now, row.tenant, InitPictureUser(row.job.name())));
  return UnnameBlobs(db, now, row.tenant, MaskPictureUser(row.job.name()));
}

}  // namespace vico::server
