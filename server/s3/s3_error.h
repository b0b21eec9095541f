// The errors of S3 as statuses. All but those about one object are kUnavailable with RetryInfo, as
// callers and workers may go on when the operator has mended the store:
//   OBJECT_STORE_UNAVAILABLE  away, overloaded, or broken answers
//   OBJECT_STORE_DENIED       it refuses the credentials of this server
//   OBJECT_STORE_NO_BUCKET    the bucket does not exist
//   OBJECT_STORE_CLOCK        it refuses signatures because the clocks differ
// and OBJECT_STORE_FULL is kResourceExhausted.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "server/s3/http_client.h"

namespace vico::server {

struct S3Failure {
  absl::Status status;         ///< OK: the answer is a success
  bool retry = false;          ///< whether another attempt may succeed soon
  bool credentials = false;    ///< the credentials may have expired
  absl::Duration retry_after;  ///< what the store asks for; 0: nothing
};

/// What the answer means. `now` is this machine's wall clock. kNotFound for an object that does not
/// exist, kDataLoss for a range beyond its end.
S3Failure FailureOf(const HttpAnswer& answer, absl::Time now);

/// For a request without an answer.
S3Failure FailureOf(const absl::Status& transport);

absl::Status ObjectStoreAway(std::string_view private_text);

}  // namespace vico::server
