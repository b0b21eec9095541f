// The pictures that a generation starts from, as references to blobs: the job itself keeps them. A
// reference without a resource of its own needs no column.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "server/rows/job_rows.h"
#include "server/sql/sql_session.h"

namespace vico::server {

/// References the pictures in `row`. kFailedPrecondition, reason BLOB_MISSING, as NameBlobs.
absl::Status NameJobPictures(SqlSession& db, const JobRow& row);

/// Reads the pictures that the job references into `row`. The size of one that is not stored any
/// more is 0.
absl::Status LoadJobPictures(SqlSession& db, JobRow& row);

/// Removes the references, with the job. `now` is store time.
absl::Status ReleaseJobPictures(SqlSession& db, absl::Time now, const JobRow& row);

}  // namespace vico::server
