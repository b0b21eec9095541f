// Interface of a database: atomic, durable writes and consistent reads.
#pragma once

#include <functional>
#include <optional>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/sql/sql_session.h"

namespace vico::server {

/// Any thread.
class Database {
 public:
  using Work = std::function<absl::Status(SqlSession&)>;

  virtual ~Database() = default;

  /// All of `change` or nothing: OK when `change` returned OK and is durable. It sees everything
  /// committed before. It may run on another caller's thread, and more than once; each run must
  /// have the same effect as the first. An exception of `change` becomes this call's error, as
  /// StatusOfException says.
  virtual absl::Status Write(const Work& change) = 0;

  /// `read` sees one state of the database, with everything committed before the call. An exception
  /// becomes this call's error.
  virtual absl::Status Read(const Work& read) = 0;

  /// OK, or why the process must exit: kDataLoss, reason DATABASE_DAMAGED, for a damaged file;
  /// kUnavailable when the disk fails, also after a failed sync, when the state on the disk is
  /// unknown.
  virtual absl::Status Health() const = 0;

  /// Reads the whole file from the disk and checks it. Damage is the error of this call and of
  /// Health().
  virtual absl::Status Check() = 0;

  /// Removes the content of deleted rows from the log of changes.
  virtual absl::Status TruncateLog() = 0;

  /// The epoch time of the database at the moment when the uptime of this machine was zero, for a
  /// database that has a clock of its own, which several servers share. StoreClock uses it.
  virtual std::optional<absl::Time> UptimeZero() const { return std::nullopt; }
};

}  // namespace vico::server
