// Warnings of queued jobs that no worker can serve any more.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "server/jobs/job.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

/// Queued jobs to warn (`missing` 0, not served) or to forgive (`missing` 1, served). ?1 is what
/// ServedList() returns.
std::string QueuedSql(const SqlDialect& dialect, bool missing) {
  return fmt::format(
      "state = 'queued' AND base_model_missing = {} AND base_model || ' ' || devices {} IN ({})",
      missing ? 1 : 0, missing ? "" : "NOT", dialect.json_list("?1"));
}

/// The JSON array of "<base model> <devices>" for each number of devices that is served.
std::string ServedList(const std::vector<ServedBaseModel>& served) {
  std::vector<std::string> list;
  for (const auto& [name, most] : served) {
    for (int devices = 1; devices <= most; ++devices) {
      list.push_back(fmt::format("{} {}", name, devices));
    }
  }
  return nlohmann::json(list).dump();
}

v1::Event::Warning WhyUnserved(const std::vector<ServedBaseModel>& served,
                               const v1::JobSpec& spec) {
  const std::string& base_model = BaseModelOf(spec);
  const bool too_few = std::any_of(served.begin(), served.end(), [&](const ServedBaseModel& other) {
    return other.name == base_model;
  });
  return too_few ? NoWorkerWithDevices(base_model, DevicesOf(spec))
                 : BaseModelUnavailable(base_model);
}

/// Appends the warning to the events of one job, unless it has left the queue.
absl::Status Warn(SqlSession& db, absl::Time now, const v1::Event::Warning& why, JobRow row) {
  v1::Event event;
  *event.mutable_warning() = why;
  RETURN_IF_ERROR(AppendEvent(db, now, row, std::move(event)));
  return db.Send(
      "UPDATE job SET last_sequence = ?, base_model_missing = 1 "
      "WHERE number = ? AND state = 'queued'",
      {static_cast<int64_t>(row.job.last_sequence()), row.number});
}

}  // namespace

absl::StatusOr<int> SqlJobStore::WarnUnserved(const std::vector<ServedBaseModel>& served,
                                              int limit) {
  const std::string names = ServedList(served);
  bool any = false;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    const std::string sql =
        fmt::format("SELECT 1 FROM job WHERE ({}) OR ({}) LIMIT 1", QueuedSql(db.dialect(), false),
                    QueuedSql(db.dialect(), true));
    ASSIGN_OR_RETURN(const int64_t found, db.QueryInt(sql, {names}, 0));
    any = found != 0;
    return absl::OkStatus();
  }));
  if (!any) return 0;
  std::vector<JobRow> rows;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    rows.clear();
    RETURN_IF_ERROR(db.Send(fmt::format("UPDATE job SET base_model_missing = 0 WHERE {}",
                                        QueuedSql(db.dialect(), true)),
                            {names}));
    const std::string sql = SelectJob(fmt::format(
        "WHERE {} ORDER BY number LIMIT ?2 FOR NO KEY UPDATE", QueuedSql(db.dialect(), false)));
    RETURN_IF_ERROR(
        db.Query(sql, {names, int64_t{limit}}, [&](const SqlRow& columns) -> absl::Status {
          ASSIGN_OR_RETURN(JobRow row, FromRow(columns));
          rows.push_back(std::move(row));
          return absl::OkStatus();
        }));
    for (const JobRow& row : rows) {
      RETURN_IF_ERROR(Warn(db, time_.Wall(), WhyUnserved(served, row.job.spec()), row));
    }
    return absl::OkStatus();
  }));
  for (const JobRow& row : rows) feed_.JobChanged(row.tenant, row.job.name());
  return static_cast<int>(rows.size());
}

}  // namespace vico::server
