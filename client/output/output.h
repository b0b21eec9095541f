// Formats messages: JSON lines for scripts, short text for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include "vico/v1/job.pb.h"

namespace vico::client {

/// One line of JSON with the field names of the .proto files, unset fields included. 64-bit
/// numbers are numbers, also beyond 2^53. Characters that a terminal interprets are escapes.
std::string JsonLine(const google::protobuf::Message& message);

/// {"job":"jobs/…","event":{…},"file":"beach/picture_0_7.png"}; `file` only if it is not empty.
std::string EventJsonLine(const std::string& job, const v1::Event& event, const std::string& file);

/// The name without `prefix`, in lower case: "succeeded" for JOB_STATE_SUCCEEDED.
std::string EnumText(const std::string& name, const std::string& prefix);
std::string StateText(v1::JobState state);
std::string KindText(v1::JobKind kind);
std::string DialectText(v1::Dialect dialect);

/// "2026-01-02 03:04:05" in UTC; "-" for an unset time.
std::string TimeText(const google::protobuf::Timestamp& time);

/// "1.4 MiB".
std::string SizeText(std::uint64_t bytes);

/// The text for a terminal: control characters and marks that change the direction of text become
/// escapes, as \n and \u{202e}.
std::string Printable(const std::string& text);

/// The same error with the option that it is about before the message. OK stays OK.
absl::Status WithField(const std::string& option, const absl::Status& status);

/// "warning: … (REASON)", for stderr.
std::string WarningText(const v1::Event::Warning& warning);

/// Pads columns to their widest cell and separates them by two blanks; one line per row.
std::string Table(const std::vector<std::vector<std::string>>& rows);

}  // namespace vico::client
