// Rows of request ids: what each creating call created, so that a repeat gets the first answer.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/jobs/request_key.h"
#include "server/sql/sql_session.h"

namespace vico::server {

/// The name of the resource that the request created; empty when the request is new.
/// kFailedPrecondition, reason REQUEST_ID_REUSED, when the id was used with another body;
/// kNotFound, reason REQUEST_RESULT_DELETED, when the resource has been deleted.
absl::StatusOr<std::string> FindRequest(SqlSession& db, const RequestKey& key);

absl::Status InsertRequest(SqlSession& db, const RequestKey& key, std::string_view resource);

/// The resource is deleted. The ids of the requests that created it stay for their time, so that a
/// repeat creates nothing. `now` is store time.
absl::Status MarkRequestGone(SqlSession& db, absl::Time now, std::string_view tenant,
                             std::string_view resource);

/// kNotFound, reason REQUEST_IS_NEW.
absl::Status RequestIsNew();

}  // namespace vico::server
