#include "server/postgres/postgres_error.h"

#include <array>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr absl::Duration kRetryAfter = absl::Seconds(1);

struct Kind {
  std::string_view prefix;  // of the SQLSTATE
  absl::StatusCode code;
  std::string_view message;
  std::string_view reason;
};

// The first that fits. Appendix A of PostgreSQL's manual lists the codes.
constexpr std::array<Kind, 6> kKinds{{
    {"VT001", absl::StatusCode::kFailedPrecondition, "the tenant is deleted", "TENANT_DELETED"},
    {"53100", absl::StatusCode::kResourceExhausted, "database: the disk is full", "DISK_FULL"},
    {"42501", absl::StatusCode::kFailedPrecondition, "database: its user lacks a privilege",
     "DATABASE_REFUSED"},
    {"XX001", absl::StatusCode::kDataLoss, "database: is damaged", "DATABASE_DAMAGED"},
    {"XX002", absl::StatusCode::kDataLoss, "database: is damaged", "DATABASE_DAMAGED"},
    {"", absl::StatusCode::kInternal, "database: failed", "DATABASE_FAILED"},
}};

// Passing, too: a lack of memory or connections, a timeout of a lock or statement, a failing disk.
bool MayPassLater(std::string_view sqlstate) {
  return sqlstate.starts_with("53") || sqlstate == "55P03" || sqlstate == "57014" ||
         sqlstate.starts_with("58");
}

}  // namespace

bool PostgresError::is_lost() const {
  return sqlstate.empty() || sqlstate.starts_with("08") || sqlstate.starts_with("57P") ||
         sqlstate == "25006" || sqlstate == "25P03" || sqlstate == "26000" || sqlstate == "0A000";
}

bool PostgresError::is_passing() const {
  return sqlstate == "40001" || sqlstate == "40P01" ||
         (sqlstate == "23505" && constraint == "request_pkey");
}

absl::Status DatabaseUnavailable(std::string_view message, std::string_view private_text) {
  return WithPrivateText(
      WithRetryAfter(Error(absl::StatusCode::kUnavailable, message, "DATABASE_UNAVAILABLE"),
                     kRetryAfter),
      private_text);
}

absl::Status StatusOf(const PostgresError& error, std::string_view doing) {
  const std::string text = fmt::format("{}: {} ({})", doing, error.message, error.sqlstate);
  if (error.sqlstate != "53100") {
    if (error.is_lost()) return DatabaseUnavailable("database: is away", text);
    if (error.is_passing() || MayPassLater(error.sqlstate)) {
      return DatabaseUnavailable("database: is busy", text);
    }
  }
  for (const Kind& kind : kKinds) {
    if (error.sqlstate.starts_with(kind.prefix)) {
      return WithPrivateText(Error(kind.code, kind.message, kind.reason), text);
    }
  }
  return absl::InternalError("database: failed");
}

}  // namespace vico::server
