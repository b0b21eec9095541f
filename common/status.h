// Errors: two macros, constructors of errors, and the google.rpc details that errors carry.
// This file does not depend on gRPC; common/rpc/status_grpc converts to grpc::Status.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace google::rpc {
class Status;
}  // namespace google::rpc

#define VICO_JOIN_(a, b) a##b
#define VICO_JOIN(a, b) VICO_JOIN_(a, b)

/// Returns the status of `expr` from the function unless it is OK.
#define RETURN_IF_ERROR(expr)                                                     \
  do {                                                                            \
    if (absl::Status vico_status = (expr); !vico_status.ok()) return vico_status; \
  } while (false)

/// `ASSIGN_OR_RETURN(const Job job, store.Get(id));` A type that contains a comma needs `auto`.
#define ASSIGN_OR_RETURN(lhs, expr) \
  VICO_ASSIGN_OR_RETURN(VICO_JOIN(vico_statusor_, __COUNTER__), lhs, expr)
#define VICO_ASSIGN_OR_RETURN(temporary, lhs, expr)          \
  auto temporary = (expr);                                   \
  if (!temporary.ok()) return std::move(temporary).status(); \
  lhs = *std::move(temporary)

namespace vico {

/// Debian's Abseil has its own string_view. These two convert between it and std::string_view.
inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view ToStd(absl::string_view s) { return {s.data(), s.size()}; }

/// kInvalidArgument with the message "{field}: {message}", a BadRequest violation, and the reason
/// INVALID_FIELD. `field` is the path in the request, for example "train.steps".
absl::Status FieldError(std::string_view field, std::string_view message);

/// An error with a stable reason (UPPER_SNAKE_CASE) in ErrorInfo.
absl::Status Error(absl::StatusCode code, std::string_view message, std::string_view reason);

/// The same error with this reason in place of an earlier one. OK stays OK.
absl::Status WithReason(absl::Status status, std::string_view reason);

/// The same error with RetryInfo: the caller may retry after `delay`.
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

/// The same error with QuotaFailure. `subject` is what the limit applies to, for example
/// "tenants/acme" or "server".
absl::Status WithQuota(absl::Status status, std::string_view subject, std::string_view limit);

/// The same error with a text for the log of this program. ToProto() leaves it out.
absl::Status WithPrivateText(absl::Status status, std::string_view text);

/// The text of WithPrivateText(), or empty.
std::string PrivateText(const absl::Status& status);

/// The reason in ErrorInfo, or empty.
std::string Reason(const absl::Status& status);

/// The delay in RetryInfo, or zero.
absl::Duration RetryAfter(const absl::Status& status);

/// The path of the first field in BadRequest, or empty.
std::string Field(const absl::Status& status);

/// Payloads become details, and details payloads. Every text is plain (common/plain_text.h) and of
/// at most 1 KiB. ToProto keeps the details of the types above only, and leaves out the private
/// text. FromProto turns a code that Abseil does not have into kUnknown.
google::rpc::Status ToProto(const absl::Status& status);
absl::Status FromProto(const google::rpc::Status& status);

}  // namespace vico
