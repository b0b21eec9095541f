#include "server/store/sql_job_changes.h"

#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/jobs/job_states.h"
#include "server/rows/job_filter_sql.h"
#include "server/rows/job_rows.h"

namespace vico::server {
namespace {

/// Each reads an index that begins with the tenant. ?8 is the time since when.
constexpr std::array<std::string_view, 4> kRecently{
    "state = 'queued' AND CAST(?8 AS BIGINT) IS NOT NULL",
    "state = 'running' AND CAST(?8 AS BIGINT) IS NOT NULL",
    "finish_time IS NOT NULL AND finish_time >= ?8", "update_time > 0 AND update_time >= ?8"};

std::string RecentSql(const SqlDialect& dialect, const JobFilter& filter,
                      std::string_view recently) {
  return fmt::format(
      "SELECT number, name, state, last_sequence, update_time, base_model, devices FROM job "
      "WHERE {} AND {}",
      FilterSql(dialect, filter), recently);
}

absl::Status SetMarkPositions(SqlSession& db, std::vector<JobMark>& marks) {
  int64_t counted_to = 0;
  int64_t ahead = 0;
  for (JobMark& mark : marks) {
    if (mark.state != v1::JOB_STATE_QUEUED) continue;
    ASSIGN_OR_RETURN(const int64_t between, CountQueued(db, counted_to, mark.number));
    ahead += between;
    counted_to = mark.number;
    mark.queue_position = static_cast<uint64_t>(ahead);
  }
  return absl::OkStatus();
}

/// The deleted jobs whose request ids are kept. The sum keeps the planner from the index of the
/// tenant, which has all its requests.
constexpr std::string_view kDeleted =
    "SELECT resource FROM request WHERE gone_time IS NOT NULL AND gone_time >= ? "
    "AND tenant || '' = ? AND resource LIKE 'jobs/%'";

}  // namespace

absl::StatusOr<RecentJobs> SqlJobChanges::Recent(const JobChangesQuery& query) {
  JobFilter filter = query.filter;
  filter.states.clear();
  const FilterParameters with(filter);
  const int64_t since = absl::ToUnixMicros(time_.Wall() - query.age);
  const int64_t gone_since = absl::ToUnixMicros(time_.Now() - query.age);
  RecentJobs recent;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    recent = {};
    std::map<int64_t, JobMark> marks;
    for (const std::string_view recently : kRecently) {
      RETURN_IF_ERROR(db.Query(RecentSql(db.dialect(), filter, recently),
                               {query.tenant, with.kinds, with.states, with.created_after,
                                with.created_before, with.concept_name, with.adapter, since},
                               [&](const SqlRow& row) {
                                 JobMark& mark = marks[row.Int(0)];
                                 mark.number = row.Int(0);
                                 mark.name = row.Text(1);
                                 mark.state = StateFromName(row.Text(2));
                                 mark.last_sequence = static_cast<uint64_t>(row.Int(3));
                                 mark.update_time = row.Int(4);
                                 mark.base_model = row.Text(5);
                                 mark.devices = static_cast<int>(row.Int(6));
                                 return absl::OkStatus();
                               }));
    }
    for (auto& [number, mark] : marks) recent.jobs.push_back(std::move(mark));
    if (query.with_queue_position) RETURN_IF_ERROR(SetMarkPositions(db, recent.jobs));
    return db.Query(kDeleted, {gone_since, query.tenant}, [&](const SqlRow& row) {
      recent.deleted.push_back(row.Text(0));
      return absl::OkStatus();
    });
  }));
  return recent;
}

}  // namespace vico::server
