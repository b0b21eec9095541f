// Request ids: what each creating call made, so that its repeat gets the first answer.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/jobs/request_key.h"
#include "server/sql/sqlite.h"

namespace vico::server {

/// The name of what the request made; empty when it is new. kFailedPrecondition, reason
/// REQUEST_ID_REUSED, when it came with another body.
absl::StatusOr<std::string> FindRequest(SqliteConnection& db, const RequestKey& key);

absl::Status InsertRequest(SqliteConnection& db, const RequestKey& key, std::string_view resource);

}  // namespace vico::server
