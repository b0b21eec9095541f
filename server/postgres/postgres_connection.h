// A connection to PostgreSQL through libpq's pipeline mode, as a SqlSession.
//
// Statements wait in the connection until an answer is needed, and then travel together: BEGIN and
// the locks with the first query, changes that were handed to Send() with the next query or with
// COMMIT. A report of a worker so takes two round trips.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/postgres/postgres_error.h"
#include "server/postgres/postgres_options.h"
#include "server/postgres/postgres_statement.h"
#include "server/sql/sql_session.h"

struct pg_conn;    // PGconn of libpq
struct pg_result;  // PGresult of libpq

namespace vico::server {

/// One thread at a time. Outside of Begin() and End() every statement is a transaction of its own.
/// After a lost connection every call is an error.
class PostgresConnection final : public SqlSession {
 public:
  /// kUnavailable, reason DATABASE_UNAVAILABLE, when no server answers; kFailedPrecondition, reason
  /// DATABASE_REFUSED, when the server refuses the user, the password or the database, and when its
  /// version or encoding does not fit. The message says which database and what to do.
  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Open(const PostgresOptions& options);
  ~PostgresConnection() override;
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  absl::Status Script(const char* sql) override;
  absl::StatusOr<int> Execute(std::string_view sql, SqlValues values = {}) override;
  absl::Status Query(std::string_view sql, SqlValues values,
                     const std::function<absl::Status(const SqlRow&)>& on_row) override;
  absl::Status Send(std::string_view sql, SqlValues values) override;
  absl::Status SendOne(std::string_view sql, SqlValues values,
                       const absl::Status& otherwise) override;
  const SqlDialect& dialect() const override;
  absl::Status Lock(std::string_view scope) override;

  enum class Transaction {
    kChange,  ///< READ COMMITTED
    kRead,    ///< one state of the database, REPEATABLE READ, without changes
  };
  void Begin(Transaction transaction);

  /// OK when the transaction is durable. kUnavailable when the connection was lost before the
  /// answer: whether it is durable is then unknown, and `in_doubt()` is true.
  absl::Status Commit();

  /// Ends the transaction without waiting for the answer.
  void RollBack();

  /// The first error of a statement since Begin(); null without one.
  const PostgresError* error() const { return error_ ? &*error_ : nullptr; }
  bool in_doubt() const { return in_doubt_; }
  bool is_lost() const { return lost_; }

  /// Epoch time of the database, less the uptime of this machine at the same moment, measured when
  /// the connection was opened; off by at most half of `clock_round_trip()`.
  absl::Time database_uptime_zero() const { return database_uptime_zero_; }
  absl::Duration clock_round_trip() const { return clock_round_trip_; }

  /// Waits for notifications of the channels that were named in LISTEN statements, at most
  /// `timeout`, and passes on all that have arrived. kUnavailable when the connection is lost.
  absl::Status WaitForNotifications(
      absl::Duration timeout,
      const std::function<void(std::string_view channel, std::string_view payload)>& on_notify);

 private:
  struct Closer {
    void operator()(pg_conn* connection) const;
    void operator()(pg_result* result) const;
  };
  using Result = std::unique_ptr<pg_result, Closer>;

  struct Statement {
    std::string name;
    PostgresStatement sql;
    bool prepared = false;
    bool preparing = false;  ///< the request is among `sent_`
  };

  /// A request whose answer has not been read.
  struct Request {
    enum class Kind { kPrepare, kStatement, kCommit, kSync };
    Kind kind = Kind::kStatement;
    Statement* statement = nullptr;
    absl::Status otherwise{};  ///< the error when it does not change exactly one row; or OK
    bool ignored = false;      ///< its transaction is rolled back
  };

  PostgresConnection(std::unique_ptr<pg_conn, Closer> connection, std::string name);
  absl::Status SetUp();
  absl::Status Enqueue(std::string_view sql, SqlValues values, const absl::Status& otherwise);
  absl::Status EnqueuePlain(const char* sql, Request::Kind kind);
  absl::Status EnqueueBegin();
  absl::StatusOr<Result> Exchange();
  absl::Status Flush();
  absl::StatusOr<Result> NextResult();
  bool WaitForSocket(bool writing, absl::Duration timeout);
  absl::Status Note(Request& request, const pg_result* result);
  absl::Status Lost(std::string_view why);

  const std::unique_ptr<pg_conn, Closer> connection_;
  const std::string name_;
  std::map<std::string, Statement, std::less<>> statements_;
  std::deque<Request> sent_;
  const char* begin_ = nullptr;  // waits for the first statement
  bool in_transaction_ = false;
  bool lost_ = false;
  bool in_doubt_ = false;
  bool committed_ = false;  // the server has answered COMMIT
  std::optional<PostgresError> error_;
  absl::Time database_uptime_zero_;
  absl::Duration clock_round_trip_;
};

}  // namespace vico::server
