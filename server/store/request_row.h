// Rows of request ids: what each creating call created, so that a repeat gets the first answer.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/jobs/request_key.h"
#include "server/sql/sql_session.h"

namespace vico::server {

/// The name of the resource that the request created; empty when the request is new.
/// kFailedPrecondition, reason REQUEST_ID_REUSED, when the id was used with another body.
absl::StatusOr<std::string> FindRequest(SqlSession& db, const RequestKey& key);

absl::Status InsertRequest(SqlSession& db, const RequestKey& key, std::string_view resource);

}  // namespace vico::server
