// Messages as the user sees them: JSON lines for scripts, short text for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include "vico/v1/job.pb.h"

namespace vico::client {

/// One line of JSON, field names as in the .proto files, fields with no value included; 64-bit
/// numbers are strings, as protobuf's JSON has it.
std::string JsonLine(const google::protobuf::Message& message);

/// {"job":"jobs/…","event":{…},"file":"beach/picture_0_7.png"}; `file` only when not empty.
std::string EventJsonLine(const std::string& job, const v1::Event& event, const std::string& file);

/// "succeeded" for JOB_STATE_SUCCEEDED: what follows `prefix`, in lower case.
std::string EnumText(const std::string& name, const std::string& prefix);
std::string StateText(v1::JobState state);
std::string KindText(v1::JobKind kind);
std::string DialectText(v1::Dialect dialect);

/// "2026-01-02 03:04:05" in UTC; "-" for none.
std::string TimeText(const google::protobuf::Timestamp& time);

/// "1.4 MiB".
std::string SizeText(std::uint64_t bytes);

/// Without control characters, which a terminal would obey.
std::string Printable(const std::string& text);

/// Columns padded to their widest cell, two blanks between, a newline after each row.
std::string Table(const std::vector<std::vector<std::string>>& rows);

}  // namespace vico::client
