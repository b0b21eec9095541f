// Interface of a database: atomic, durable writes and consistent reads.
#pragma once

#include <functional>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/sql/sql_session.h"

namespace vico::server {

/// Any thread.
class Database {
 public:
  using Work = std::function<absl::Status(SqlSession&)>;

  virtual ~Database() = default;

  /// All of `change` or nothing: OK when `change` returned OK and is durable. It sees everything
  /// committed before. It may run on another caller's thread, and more than once; each run must
  /// have the same effect as the first.
  virtual absl::Status Write(const Work& change) = 0;

  /// `read` sees one state of the database, with everything committed before the call.
  virtual absl::Status Read(const Work& read) = 0;

  /// OK, or why nothing can be written any more: after a failed sync the state on the disk is
  /// unknown, so the process must exit and start again.
  virtual absl::Status Health() const = 0;

  /// Removes the content of deleted rows from the log of changes.
  virtual absl::Status TruncateLog() = 0;
};

}  // namespace vico::server
