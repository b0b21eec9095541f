// Copies the rows of all tables from one database to another, of any engines. A copy that was
// interrupted goes on with another call.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "server/copy/table.h"

namespace vico::server {

struct CopyEnd {
  Database& database;
  Engine engine;
};

/// Copies what the target does not have yet, and returns how many rows that were. Leaves out the
/// blobs, which blob_copy.h copies with their bytes, and what each server writes anew. Nothing else
/// may use the databases. kFailedPrecondition, reason SCHEMAS_DIFFER, when a table of the source
/// has a column that the target's has not.
absl::StatusOr<int64_t> CopyRows(const CopyEnd& from, const CopyEnd& to);

/// After rows and blobs: tenants that are deleted in the source become so, and new rows get numbers
/// after those of the source.
absl::Status FinishRows(const CopyEnd& from, const CopyEnd& to);

}  // namespace vico::server
