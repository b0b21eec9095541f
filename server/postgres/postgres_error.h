// PostgreSQL's errors as statuses.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace vico::server {

/// What the server says about a failed statement.
struct PostgresError {
  std::string sqlstate;    ///< five characters; empty when the connection was lost
  std::string message;     ///< of the server or of libpq
  std::string constraint;  ///< the violated one, if any

  /// The connection is of no use any more: it was lost, the server shuts down or became a standby,
  /// or it has forgotten a prepared statement.
  bool is_lost() const;

  /// The whole transaction may be run again at once: a serialization failure, a deadlock, or two
  /// first calls with the same request id.
  bool is_passing() const;
};

/// `doing` is the statement; with the server's message it becomes private text.
absl::Status StatusOf(const PostgresError& error, std::string_view doing);

/// kUnavailable, reason DATABASE_UNAVAILABLE, with RetryInfo.
absl::Status DatabaseUnavailable(std::string_view message, std::string_view private_text);

}  // namespace vico::server
