// Converts between absl's times and Protobuf's well-known types.
#pragma once

#include <absl/time/time.h>

namespace google::protobuf {
class Duration;
class Timestamp;
}  // namespace google::protobuf

namespace vico {

/// Nanosecond resolution. Precondition: `duration` is finite.
google::protobuf::Duration ToProto(absl::Duration duration);
absl::Duration FromProto(const google::protobuf::Duration& message);

/// Microsecond resolution. Precondition: `time` is finite.
google::protobuf::Timestamp ToProto(absl::Time time);
absl::Time FromProto(const google::protobuf::Timestamp& message);

}  // namespace vico
