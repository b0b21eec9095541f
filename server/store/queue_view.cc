#include "server/store/queue_view.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace vico::server {

absl::StatusOr<v1::Queue> ViewQueue(Database& database, const Clock& clock) {
  std::map<std::pair<std::string, std::string>, v1::Queue::Line> lines;
  const auto now = absl::ToUnixMicros(clock.Now());
  const auto line_of = [&](const SqlRow& row) -> v1::Queue::Line& {
    v1::Queue::Line& line = lines[{row.Text(0), row.Text(1)}];
    line.set_tenant(row.Text(0));
    line.set_kind(row.Text(1) == "training" ? v1::JOB_KIND_TRAINING : v1::JOB_KIND_GENERATION);
    return line;
  };
  const absl::Status read = database.Read([&](SqliteConnection& db) {
    absl::Status status = db.Query(
        "SELECT tenant, kind, count(*), min(create_time) FROM job WHERE state = 'queued' "
        "GROUP BY tenant, kind",
        {}, [&](const SqlRow& row) {
          v1::Queue::Line& line = line_of(row);
          line.set_waiting(row.Int(2));
          line.mutable_oldest_wait()->set_seconds(std::max<int64_t>(0, now - row.Int(3)) /
                                                  1'000'000);
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    return db.Query(
        "SELECT tenant, kind, count(*) FROM job WHERE state = 'running' GROUP BY tenant, kind", {},
        [&](const SqlRow& row) {
          line_of(row).set_running(row.Int(2));
          return absl::OkStatus();
        });
  });
  if (!read.ok()) return read;
  v1::Queue queue;
  for (auto& [key, line] : lines) *queue.add_lines() = std::move(line);
  return queue;
}

}  // namespace vico::server
