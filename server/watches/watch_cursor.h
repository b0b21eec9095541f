// The cursor of WatchJobs: the time up to which a client has everything, and how many events it has
// of the jobs that were changing then. It contains nothing that its client does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace vico::server {

struct WatchCursor {
  struct Seen {
    std::string job;  ///< "jobs/{id}"
    uint64_t sequence = 0;
  };

  absl::Time time;           ///< wall time, in microseconds
  uint32_t filter = 0;       ///< checksum of the filter
  std::vector<Seen> jobs{};  ///< at most kMaxSeen are kept
};

inline constexpr size_t kMaxSeen = 30;  ///< jobs in a cursor, so that it stays below 1 KiB

std::string WriteCursor(const WatchCursor& cursor);

/// kInvalidArgument that names the field "cursor" for any text that WriteCursor() did not make.
absl::StatusOr<WatchCursor> ReadCursor(std::string_view text);

}  // namespace vico::server
