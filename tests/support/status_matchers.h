// Matchers for absl::Status and absl::StatusOr.
#pragma once

#include <ostream>
#include <string>

#include <gmock/gmock.h>

#include "common/status.h"

namespace vico {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(HasCode, code, std::string("has code ") + absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

MATCHER_P(HasReason, reason, std::string("has reason ") + reason) {
  *result_listener << StatusOf(arg).ToString() << ", reason " << Reason(StatusOf(arg));
  return Reason(StatusOf(arg)) == reason;
}

MATCHER_P(NamesField, field, std::string("names field ") + field) {
  *result_listener << StatusOf(arg).ToString() << ", field " << Field(StatusOf(arg));
  return Field(StatusOf(arg)) == field;
}

MATCHER_P(HasMessage, matcher, "has a message that fits") {
  return testing::ExplainMatchResult(matcher, std::string(StatusOf(arg).message()),
                                     result_listener);
}

}  // namespace vico
