// Errors: the two macros, errors that name what is wrong, and the google.rpc details they carry.
// Nothing here knows gRPC; common/status_grpc does.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "google/rpc/status.pb.h"

#define VICO_JOIN_(a, b) a##b
#define VICO_JOIN(a, b) VICO_JOIN_(a, b)

/// Returns from the function with the status of `expr` unless that is OK.
#define RETURN_IF_ERROR(expr)                                                     \
  do {                                                                            \
    if (absl::Status vico_status = (expr); !vico_status.ok()) return vico_status; \
  } while (false)

/// `ASSIGN_OR_RETURN(const Job job, store.Get(id));` A type with a comma in it needs `auto`.
#define ASSIGN_OR_RETURN(lhs, expr) \
  VICO_ASSIGN_OR_RETURN(VICO_JOIN(vico_statusor_, __COUNTER__), lhs, expr)
#define VICO_ASSIGN_OR_RETURN(temporary, lhs, expr)          \
  auto temporary = (expr);                                   \
  if (!temporary.ok()) return std::move(temporary).status(); \
  lhs = *std::move(temporary)

namespace vico {

/// Debian's Abseil has a string_view of its own; these two are the only way between it and std's.
inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view ToStd(absl::string_view s) { return {s.data(), s.size()}; }

/// kInvalidArgument, message "field: message", with a BadRequest violation and ErrorInfo reason
/// INVALID_FIELD. `field` is the path in the request, as "train.steps".
absl::Status FieldError(std::string_view field, std::string_view message);

/// An error with a stable reason (UPPER_SNAKE_CASE) in ErrorInfo.
absl::Status Error(absl::StatusCode code, std::string_view message, std::string_view reason);

/// The same error with this reason in ErrorInfo, in place of an earlier one. OK stays OK.
absl::Status WithReason(absl::Status status, std::string_view reason);

/// The same error with RetryInfo: a caller may try again after `delay`.
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

/// The same error with QuotaFailure: which limit of whom (as "tenants/acme" or "server") is met.
absl::Status WithQuota(absl::Status status, std::string_view subject, std::string_view limit);

/// The same error with a text that never leaves this program: for its log alone.
absl::Status WithPrivateText(absl::Status status, std::string_view text);

/// What WithPrivateText() put there; empty without it.
std::string PrivateText(const absl::Status& status);

/// The reason in ErrorInfo; empty without one.
std::string Reason(const absl::Status& status);

/// The delay in RetryInfo; zero without one.
absl::Duration RetryAfter(const absl::Status& status);

/// The path of the first field in BadRequest; empty without one.
std::string Field(const absl::Status& status);

/// Payloads but the private text become details and the other way round. ToProto cuts the message
/// at 1 KiB, never inside a UTF-8 character. A code that Abseil does not have becomes kUnknown.
google::rpc::Status ToProto(const absl::Status& status);
absl::Status FromProto(const google::rpc::Status& status);

}  // namespace vico
