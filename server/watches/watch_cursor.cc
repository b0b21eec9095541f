#include "server/watches/watch_cursor.h"

#include <algorithm>

#include <absl/strings/escaping.h>

#include "common/ids.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr char kCursorVersion = '1';
constexpr size_t kIdBytes = 16;
constexpr size_t kSequenceBytes = 6;
constexpr size_t kMaxCursorBytes = 2048;

void AppendNumber(uint64_t number, size_t bytes, std::string& to) {
  for (size_t i = bytes; i-- > 0;) to += static_cast<char>(number >> (8 * i) & 0xff);
}

/// Takes the number from the front of `from`, which has as many bytes.
uint64_t TakeNumber(size_t bytes, std::string_view& from) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) number = number << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(bytes);
  return number;
}

absl::Status NoCursor() {
  return FieldError("cursor", "must be empty or the cursor of an earlier message of WatchJobs");
}

}  // namespace

std::string WriteCursor(const WatchCursor& cursor) {
  std::string bytes(1, kCursorVersion);
  AppendNumber(static_cast<uint64_t>(absl::ToUnixMicros(cursor.time)), 8, bytes);
  AppendNumber(cursor.filter, 4, bytes);
  const size_t count = std::min(cursor.jobs.size(), kMaxSeen);
  for (size_t i = 0; i < count; ++i) {
    const WatchCursor::Seen& seen = cursor.jobs[i];
    bytes += absl::HexStringToBytes(ToAbsl(std::string_view(seen.job).substr(JobName("").size())));
    AppendNumber(seen.sequence, kSequenceBytes, bytes);
  }
  return std::string(absl::WebSafeBase64Escape(bytes));
}

absl::StatusOr<WatchCursor> ReadCursor(std::string_view text) {
  std::string bytes;
  if (text.size() > kMaxCursorBytes || !absl::WebSafeBase64Unescape(ToAbsl(text), &bytes)) {
    return NoCursor();
  }
  std::string_view rest = bytes;
  constexpr size_t kFront = 1 + 8 + 4;
  if (rest.size() < kFront || rest.front() != kCursorVersion ||
      (rest.size() - kFront) % (kIdBytes + kSequenceBytes) != 0) {
    return NoCursor();
  }
  rest.remove_prefix(1);
  WatchCursor cursor;
  cursor.time = absl::FromUnixMicros(static_cast<int64_t>(TakeNumber(8, rest)));
  cursor.filter = static_cast<uint32_t>(TakeNumber(4, rest));
  while (!rest.empty()) {
    WatchCursor::Seen seen;
    seen.job = JobName(std::string(absl::BytesToHexString(ToAbsl(rest.substr(0, kIdBytes)))));
    rest.remove_prefix(kIdBytes);
    seen.sequence = TakeNumber(kSequenceBytes, rest);
    cursor.jobs.push_back(std::move(seen));
  }
  return cursor;
}

}  // namespace vico::server
