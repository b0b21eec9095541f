// absl's times and durations as Protobuf's well-known types, and back.
#pragma once

#include <absl/time/time.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

namespace vico {

/// Nanosecond resolution. Precondition: `duration` is finite.
google::protobuf::Duration ToProto(absl::Duration duration);
absl::Duration FromProto(const google::protobuf::Duration& message);

/// Microsecond resolution. Precondition: `time` is finite.
google::protobuf::Timestamp ToProto(absl::Time time);
absl::Time FromProto(const google::protobuf::Timestamp& message);

}  // namespace vico
