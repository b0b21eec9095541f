#include "server/postgres/postgres_connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/status.h"
#include "server/postgres/postgres_row.h"

namespace vico::server {
namespace {

// The server ends a statement before this process gives the connection up. A stopped process cannot
// keep its locks: the server ends its transaction.
constexpr absl::Duration kLongestAnswer = absl::Seconds(40);
constexpr const char* kSettings[] = {
    "SET statement_timeout = '30s'",
    "SET lock_timeout = '15s'",
    "SET idle_in_transaction_session_timeout = '30s'",
    // What is acknowledged is durable, whatever the default of the database.
    ("SELECT set_config('synchronous_commit', 'on', false) "
     "WHERE current_setting('synchronous_commit') = 'off'"),
};
constexpr int kOldestServer = 130000;

constexpr SqlDialect kPostgres{.json_list = [](std::string_view parameter) {
  return fmt::format("SELECT jsonb_array_elements_text(CAST(CAST({} AS TEXT) AS JSONB))",
                     parameter);
}};

/// FNV-1a: the same in every program, so that all agree on the lock of a scope.
int64_t HashOf(std::string_view scope) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : scope) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return static_cast<int64_t>(hash);
}

/// The parameters of a statement in libpq's form.
class Parameters {
 public:
  Parameters(SqlValues values) {
    texts_.reserve(values.size());
    for (const SqlValue& value : values) std::visit([this](auto v) { Add(v); }, value);
  }

  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  static constexpr int kText = 0;
  static constexpr int kBinary = 1;

  void Add(std::nullptr_t) { Add(nullptr, 0, kText); }
  void Add(int64_t value) {
    texts_.push_back(std::to_string(value));
    Add(texts_.back().c_str(), texts_.back().size(), kText);
  }
  // A text in the binary format may contain zeros, which the server then refuses.
  void Add(std::string_view text) {
    Add(text.data() == nullptr ? "" : text.data(), text.size(), kBinary);
  }
  void Add(Bytes bytes) { Add(bytes.view); }
  void Add(const char* value, size_t length, int format) {
    values_.push_back(value);
    lengths_.push_back(static_cast<int>(length));
    formats_.push_back(format);
  }

  std::vector<std::string> texts_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

/// The server finds the types of parameters, but of those that the statement does not use.
std::vector<Oid> TypesOf(const PostgresStatement& statement, size_t parameters) {
  constexpr Oid kUnknown = 0;
  constexpr Oid kTextType = 25;
  std::vector<Oid> types(parameters, kUnknown);
  for (size_t i = 0; i < types.size(); ++i) {
    if (!statement.parameters.contains(static_cast<int>(i) + 1)) types[i] = kTextType;
  }
  return types;
}

std::string TextOf(const char* text) { return text == nullptr ? "" : text; }

PostgresError ErrorOf(const PGresult* result) {
  return {.sqlstate = TextOf(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
          .message = TextOf(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)),
          .constraint = TextOf(PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME))};
}

absl::Status Refused(std::string_view name, std::string_view why) {
  return Error(absl::StatusCode::kFailedPrecondition, fmt::format("database {}: {}", name, why),
               "DATABASE_REFUSED");
}

/// The error of a connection that was not opened. libpq does not tell a refusal from a server that
/// is away, but its ping does, which needs no credentials.
absl::Status ConnectError(const char* const* keywords, const char* const* values,
                          const std::string& name, std::string message) {
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ' ');
  if (PQpingParams(keywords, values, 1) == PQPING_OK) {
    return Refused(name, fmt::format("{}. Check user, password (--database-password-file, "
                                     "PGPASSWORD or the passfile) and the database's name, and "
                                     "that pg_hba.conf admits this machine",
                                     message));
  }
  return DatabaseUnavailable(fmt::format("database {}: does not answer", name), message);
}

}  // namespace

void PostgresConnection::Closer::operator()(pg_conn* connection) const { PQfinish(connection); }
void PostgresConnection::Closer::operator()(pg_result* result) const { PQclear(result); }

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(
    const PostgresOptions& options) {
  ASSIGN_OR_RETURN(const std::string name, PostgresName(options.url));
  // Defaults stand before the URL, which may replace them.
  std::vector<const char*> keywords = {
      "connect_timeout",  "keepalives_idle",  "keepalives_interval",
      "keepalives_count", "tcp_user_timeout", "fallback_application_name",
      "dbname",           "client_encoding"};
  std::vector<const char*> values = {
      "5", "10", "5", "3", "15000", "vico-server", options.url.c_str(), "UTF8"};
  if (!options.password.empty()) {
    keywords.push_back("password");
    values.push_back(options.password.Reveal().c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<PGconn, Closer> connection;
  // A server that has just started may refuse a connection and answer the ping after it.
  for (int attempt = 1; attempt <= 2; ++attempt) {
    connection.reset(PQconnectdbParams(keywords.data(), values.data(), /*expand_dbname=*/1));
    if (connection == nullptr) return absl::ResourceExhaustedError("database: out of memory");
    if (PQstatus(connection.get()) == CONNECTION_OK) break;
    const absl::Status refused =
        ConnectError(keywords.data(), values.data(), name, PQerrorMessage(connection.get()));
    if (absl::IsUnavailable(refused) || attempt == 2) return refused;
  }
  std::unique_ptr<PostgresConnection> opened(new PostgresConnection(std::move(connection), name));
  RETURN_IF_ERROR(opened->SetUp());
  return opened;
}

PostgresConnection::PostgresConnection(std::unique_ptr<pg_conn, Closer> connection,
                                       std::string name)
    : connection_(std::move(connection)), name_(std::move(name)) {}

PostgresConnection::~PostgresConnection() = default;

absl::Status PostgresConnection::SetUp() {
  PGconn* const connection = connection_.get();
  if (PQserverVersion(connection) < kOldestServer) {
    return Refused(name_, fmt::format("its server has version {}; 13 or newer is needed",
                                      PQserverVersion(connection) / 10000));
  }
  const std::string encoding = TextOf(PQparameterStatus(connection, "server_encoding"));
  if (encoding != "UTF8") {
    return Refused(name_,
                   fmt::format("has the encoding {}; create it with ENCODING 'UTF8'", encoding));
  }
  // Notices are about nothing that this program can change.
  PQsetNoticeReceiver(
      connection, [](void*, const PGresult*) {}, nullptr);
  if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
    return Lost("set up");
  }
  for (const char* setting : kSettings) {
    RETURN_IF_ERROR(EnqueuePlain(setting, Request::Kind::kStatement));
  }
  RETURN_IF_ERROR(Exchange().status());
  const SystemClock clock;
  const absl::Duration asked = clock.Uptime();
  ASSIGN_OR_RETURN(
      const int64_t micros,
      QueryInt("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)", {}, 0));
  clock_round_trip_ = clock.Uptime() - asked;
  database_uptime_zero_ = absl::FromUnixMicros(micros) - asked - clock_round_trip_ / 2;
  return absl::OkStatus();
}

const SqlDialect& PostgresConnection::dialect() const { return kPostgres; }

absl::Status PostgresConnection::Lost(std::string_view why) {
  lost_ = true;
  if (!error_) error_ = PostgresError{{}, std::string(why), {}};
  return DatabaseUnavailable("database: the connection was lost",
                             fmt::format("{}: {}", why, PQerrorMessage(connection_.get())));
}

void PostgresConnection::Begin(Transaction transaction) {
  begin_ = transaction == Transaction::kChange ? "BEGIN ISOLATION LEVEL READ COMMITTED"
                                               : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  error_.reset();
  in_doubt_ = false;
  // A connection that was lost while it was idle says so before a change relies on it.
  for (int reads = 0; reads < 3 && !lost_ && WaitForSocket(false, absl::ZeroDuration()); ++reads) {
    if (PQconsumeInput(connection_.get()) != 1) Lost("idle").IgnoreError();
  }
}

absl::Status PostgresConnection::EnqueueBegin() {
  if (begin_ == nullptr) return absl::OkStatus();
  const char* const begin = std::exchange(begin_, nullptr);
  in_transaction_ = true;
  return EnqueuePlain(begin, Request::Kind::kStatement);
}

absl::Status PostgresConnection::EnqueuePlain(const char* sql, Request::Kind kind) {
  if (lost_) return Lost(sql);
  if (PQsendQueryParams(connection_.get(), sql, 0, nullptr, nullptr, nullptr, nullptr, 1) != 1) {
    return Lost(sql);
  }
  sent_.push_back({.kind = kind});
  return absl::OkStatus();
}

absl::Status PostgresConnection::Enqueue(std::string_view sql, SqlValues values,
                                         const absl::Status& otherwise) {
  if (lost_) return Lost(sql);
  RETURN_IF_ERROR(EnqueueBegin());
  // The same text may be in use in both ways.
  const std::string key = fmt::format("{}{}", otherwise.ok() ? "" : "one:", sql);
  auto [found, is_new] = statements_.try_emplace(key);
  Statement& statement = found->second;
  if (is_new) {
    statement.name = fmt::format("s{}", statements_.size());
    statement.sql = WithNumberedParameters(sql);
    if (!otherwise.ok()) statement.sql.text = MustChangeOneRow(statement.sql.text);
  }
  PGconn* const connection = connection_.get();
  if (!statement.prepared && !statement.preparing) {
    const std::vector<Oid> types = TypesOf(statement.sql, values.size());
    if (PQsendPrepare(connection, statement.name.c_str(), statement.sql.text.c_str(),
                      static_cast<int>(types.size()), types.data()) != 1) {
      return Lost(sql);
    }
    statement.preparing = true;
    sent_.push_back({.kind = Request::Kind::kPrepare, .statement = &statement});
  }
  const Parameters parameters(values);
  if (PQsendQueryPrepared(connection, statement.name.c_str(), parameters.count(),
                          parameters.values(), parameters.lengths(), parameters.formats(),
                          /*resultFormat=*/1) != 1) {
    return Lost(sql);
  }
  sent_.push_back({.statement = &statement, .otherwise = otherwise});
  return absl::OkStatus();
}

absl::Status PostgresConnection::Send(std::string_view sql, SqlValues values) {
  return Enqueue(sql, values, absl::OkStatus());
}

absl::Status PostgresConnection::SendOne(std::string_view sql, SqlValues values,
                                         const absl::Status& otherwise) {
  return Enqueue(sql, values, otherwise);
}

absl::Status PostgresConnection::Lock(std::string_view scope) {
  return Send("SELECT pg_advisory_xact_lock(?)", {HashOf(scope)});
}

absl::StatusOr<int> PostgresConnection::Execute(std::string_view sql, SqlValues values) {
  RETURN_IF_ERROR(Enqueue(sql, values, absl::OkStatus()));
  ASSIGN_OR_RETURN(const Result result, Exchange());
  return std::atoi(PQcmdTuples(result.get()));
}

absl::Status PostgresConnection::Query(std::string_view sql, SqlValues values,
                                       const std::function<absl::Status(const SqlRow&)>& on_row) {
  RETURN_IF_ERROR(Enqueue(sql, values, absl::OkStatus()));
  ASSIGN_OR_RETURN(const Result result, Exchange());
  RETURN_IF_ERROR(CheckColumns(result.get(), sql));
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    RETURN_IF_ERROR(on_row(PostgresRow(result.get(), row)));
  }
  return absl::OkStatus();
}

absl::Status PostgresConnection::Script(const char* sql) {
  if (lost_) return Lost("script");
  RETURN_IF_ERROR(EnqueueBegin());
  if (!sent_.empty()) RETURN_IF_ERROR(Exchange().status());
  PGconn* const connection = connection_.get();
  if (PQexitPipelineMode(connection) != 1) return Lost("script");
  const Result result(PQexec(connection, sql));
  const bool entered = PQenterPipelineMode(connection) == 1;
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    const PostgresError error = ErrorOf(result.get());
    if (!error_) error_ = error;
    lost_ = lost_ || error.is_lost();
    return StatusOf(error, "script");
  }
  return entered ? absl::OkStatus() : Lost("script");
}

absl::Status PostgresConnection::Commit() {
  begin_ = nullptr;
  if (!in_transaction_) return absl::OkStatus();
  if (error_) {
    // A statement has failed, and the caller went on.
    absl::Status status = StatusOf(*error_, "a statement before COMMIT");
    RollBack();
    return status;
  }
  in_transaction_ = false;
  committed_ = false;
  RETURN_IF_ERROR(EnqueuePlain("COMMIT", Request::Kind::kCommit));
  VICO_FAILPOINT("postgres.before_commit");
  absl::Status status = Exchange().status();
  // A server that shuts down may answer COMMIT and then end the connection: running the change
  // again would apply it twice.
  if (status.ok() || committed_) return absl::OkStatus();
  in_doubt_ = lost_ && (!error_ || error_->sqlstate.empty());
  if (in_doubt_) {
    return DatabaseUnavailable(
        "database: the connection was lost during a commit, whose outcome is unknown",
        PrivateText(status));
  }
  if (!lost_) {
    in_transaction_ = true;
    RollBack();
  }
  return status;
}

void PostgresConnection::RollBack() {
  begin_ = nullptr;
  if (!std::exchange(in_transaction_, false) || lost_) return;
  for (Request& request : sent_) request.ignored = true;
  // The requests before may have failed, and the server skips all up to the next sync point.
  if (PQpipelineSync(connection_.get()) != 1) {
    Lost("ROLLBACK").IgnoreError();
    return;
  }
  sent_.push_back({.kind = Request::Kind::kSync});
  if (!EnqueuePlain("ROLLBACK", Request::Kind::kStatement).ok()) return;
  sent_.back().ignored = true;
  if (PQpipelineSync(connection_.get()) != 1) {
    Lost("ROLLBACK").IgnoreError();
    return;
  }
  sent_.push_back({.kind = Request::Kind::kSync});
  Flush().IgnoreError();
}

/// Hands what libpq has buffered to the system, as far as it takes it at once.
absl::Status PostgresConnection::Flush() {
  return PQflush(connection_.get()) < 0 ? Lost("send") : absl::OkStatus();
}

bool PostgresConnection::WaitForSocket(bool writing, absl::Duration timeout) {
  pollfd socket{.fd = PQsocket(connection_.get()),
                .events = static_cast<short>(POLLIN | (writing ? POLLOUT : 0)),  // NOLINT
                .revents = 0};
  int ready = 0;
  do {
    ready = poll(&socket, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

absl::StatusOr<PostgresConnection::Result> PostgresConnection::NextResult() {
  PGconn* const connection = connection_.get();
  for (;;) {
    const int unsent = PQflush(connection);
    if (unsent < 0) return Lost("send");
    if (unsent == 0 && PQisBusy(connection) == 0) return Result(PQgetResult(connection));
    if (!WaitForSocket(unsent > 0, kLongestAnswer)) return Lost("no answer");
    if (PQconsumeInput(connection) != 1) return Lost("receive");
  }
}

/// The status of a request after its result.
absl::Status PostgresConnection::Note(Request& request, const pg_result* result) {
  const ExecStatusType status = PQresultStatus(result);
  if (request.kind == Request::Kind::kPrepare) {
    request.statement->preparing = false;
    request.statement->prepared = status == PGRES_COMMAND_OK;
  }
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
    if (request.kind == Request::Kind::kCommit &&
        std::string_view(PQcmdStatus(const_cast<PGresult*>(result))) != "COMMIT") {  // NOLINT
      return absl::InternalError("database: a failed transaction was committed");
    }
    committed_ = committed_ || request.kind == Request::Kind::kCommit;
    return absl::OkStatus();
  }
  if (status == PGRES_PIPELINE_ABORTED) return absl::AbortedError("a request before it failed");
  PostgresError error = ErrorOf(result);
  lost_ = lost_ || error.is_lost();
  if (request.ignored) return absl::OkStatus();
  // The server answers in order: an earlier request that failed kept it from COMMIT. But one that
  // ends during COMMIT may have committed.
  if (request.kind == Request::Kind::kCommit && error.is_lost()) error.sqlstate.clear();
  if (!error_) error_ = error;
  if (!request.otherwise.ok() && error.sqlstate == "22012") return request.otherwise;
  return StatusOf(error, request.statement == nullptr ? name_ : request.statement->sql.text);
}

/// Sends everything and reads all answers. Returns the last statement's result, or the first error.
absl::StatusOr<PostgresConnection::Result> PostgresConnection::Exchange() {
  if (PQpipelineSync(connection_.get()) != 1) return Lost("send");
  sent_.push_back({.kind = Request::Kind::kSync});
  Result last;
  absl::Status failed;
  while (!sent_.empty()) {
    Request request = std::move(sent_.front());
    sent_.pop_front();
    ASSIGN_OR_RETURN(Result result, NextResult());
    if (result == nullptr) return Lost("an answer is missing");
    if (request.kind == Request::Kind::kSync) {
      if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) continue;
      Note(request, result.get()).IgnoreError();
      lost_ = true;
    } else {
      const absl::Status status = Note(request, result.get());
      if (failed.ok() && !request.ignored) failed = status;
      // A null result ends those of a request.
      ASSIGN_OR_RETURN(const Result end, NextResult());
      if (end != nullptr) return Lost("an unexpected answer");
      if (request.kind != Request::Kind::kPrepare) last = std::move(result);
    }
    // What follows will not come.
    if (lost_) {
      sent_.clear();
      return failed.ok() ? Lost("the server ended it") : failed;
    }
  }
  if (!failed.ok()) return failed;
  return last;
}

absl::Status PostgresConnection::WaitForNotifications(
    absl::Duration timeout,
    const std::function<void(std::string_view channel, std::string_view payload)>& on_notify) {
  if (lost_) return Lost("notifications");
  PGconn* const connection = connection_.get();
  bool any = false;
  const auto pass_on = [&] {
    while (PGnotify* const notification = PQnotifies(connection)) {
      const std::unique_ptr<PGnotify, decltype(&PQfreemem)> owner(notification, PQfreemem);
      on_notify(notification->relname, notification->extra);
      any = true;
    }
  };
  pass_on();
  if (any || !WaitForSocket(false, timeout)) return absl::OkStatus();
  if (PQconsumeInput(connection) != 1) return Lost("notifications");
  pass_on();
  return absl::OkStatus();
}

}  // namespace vico::server
