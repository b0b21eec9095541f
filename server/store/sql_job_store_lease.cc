// Lease and Report.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/failpoint.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

Grant GrantOf(const JobRow& row) {
  return {row.tenant,      row.lease_id,     row.job,  row.base_model_digest,
          row.checkpoints, row.lease_worker, row.trace};
}

// A retry produces a picture again, which replaces the earlier one.
void AddPicture(v1::Job& job, const v1::Picture& picture) {
  for (v1::Picture& known : *job.mutable_pictures()) {
    if (known.index() == picture.index()) {
      known = picture;
      return;
    }
  }
  *job.add_pictures() = picture;
}

constexpr int kKeptCheckpoints = 2;

void AddCheckpoint(v1::TrainingCheckpoints& kept, const v1::Event::Checkpoint& newest) {
  v1::TrainingCheckpoints now;
  *now.add_newest_first() = newest;
  for (const v1::Event::Checkpoint& older : kept.newest_first()) {
    if (now.newest_first_size() < kKeptCheckpoints && older.step() != newest.step()) {
      *now.add_newest_first() = older;
    }
  }
  kept = std::move(now);
}

// Copies to the job's row what must be readable without its events.
void ApplyEvent(JobRow& row, v1::Event& event) {
  v1::Job& job = row.job;
  if (event.has_progress()) {
    job.set_step(event.progress().step());
    if (event.progress().total_steps() > 0) job.set_total_steps(event.progress().total_steps());
  } else if (event.has_picture()) {
    AddPicture(job, event.picture());
  } else if (event.has_checkpoint()) {
    AddCheckpoint(row.checkpoints, event.checkpoint());
    event.mutable_checkpoint()->clear_blob();
  }
}

/// The job to grant next: the oldest one that the tenant whose turn it is may run, of any base
/// model in ?2 and, unless it is empty, of ?3. One index lookup for each tenant and kind, however
/// many jobs wait. ?1 is the store time, ?4 and ?5 the limits of running trainings and generations.
std::string NextJobSql(const SqlDialect& dialect) {
  return fmt::format(
      "SELECT {} FROM tenant CROSS JOIN "
      "(SELECT 'training' AS kind, CAST(?4 AS BIGINT) AS most "
      "UNION ALL SELECT 'generation', CAST(?5 AS BIGINT)) AS share "
      "JOIN job ON job.number = (SELECT oldest.number FROM job AS oldest "
      "WHERE oldest.state = 'queued' AND oldest.tenant = tenant.name AND oldest.kind = share.kind "
      "AND oldest.not_before <= ?1 AND oldest.base_model IN ({}) "
      "AND (?3 = '' OR oldest.base_model = ?3) ORDER BY oldest.number LIMIT 1) "
      "WHERE (?3 = '' OR share.kind = 'generation') "
      "AND (SELECT count(*) FROM job AS other WHERE other.tenant = tenant.name "
      "AND other.kind = share.kind AND other.state = 'running') < share.most "
      "ORDER BY tenant.turn, tenant.name, job.number LIMIT 1",
      kJobColumns, dialect.json_list("?2"));
}

}  // namespace

absl::StatusOr<std::vector<Grant>> SqlJobStore::Lease(const LeaseQuery& query) {
  static const std::string kRepeated =
      SelectJob("WHERE state = 'running' AND lease_worker = ? AND lease_nonce = ?");
  const std::string base_models = nlohmann::json(query.base_models).dump();
  std::vector<JobRow> rows;
  std::vector<JobPhase> waits;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    rows.clear();
    waits.clear();
    RETURN_IF_ERROR(db.Query(kRepeated, {query.worker, query.nonce},
                             [&](const SqlRow& columns) -> absl::Status {
                               ASSIGN_OR_RETURN(JobRow row, FromRow(columns));
                               rows.push_back(std::move(row));
                               return absl::OkStatus();
                             }));
    if (!rows.empty()) {
      std::sort(rows.begin(), rows.end(),
                [](const JobRow& a, const JobRow& b) { return a.number < b.number; });
      for (JobRow& row : rows) {
        const JobRow before = row;
        row.lease_until = LeaseEnd();
        RETURN_IF_ERROR(SaveJob(db, JobChange::kReport, time_.Now(), before, row));
      }
      return absl::OkStatus();
    }
    const std::string next = NextJobSql(db.dialect());
    std::string same_base_model;
    for (int granted = 0; granted < query.max_jobs; ++granted) {
      JobRow row;
      bool found = false;
      RETURN_IF_ERROR(FindFirst(
          db, next,
          {absl::ToUnixMicros(time_.Now()), base_models, same_base_model,
           int64_t{options_.trainings_per_tenant}, int64_t{options_.generations_per_tenant}},
          row, found));
      if (!found) break;
      const JobRow before = row;
      RETURN_IF_ERROR(GrantOne(db, query, row));
      waits.push_back(PhaseEnded(JobChange::kLease, before, row));
      rows.push_back(row);
      if (row.job.kind() != v1::JOB_KIND_GENERATION) break;
      same_base_model = BaseModelOf(row.job.spec());
    }
    return absl::OkStatus();
  }));
  for (const JobPhase& wait : waits) RecordPhase(wait);
  std::vector<Grant> grants;
  for (const JobRow& row : rows) {
    feed_.JobChanged(row.job.name());
    grants.push_back(GrantOf(row));
  }
  if (!grants.empty()) VICO_FAILPOINT("lease.after_commit");
  return grants;
}

absl::Status SqlJobStore::GrantOne(SqlSession& db, const LeaseQuery& query, JobRow& row) {
  const JobRow before = row;
  row.job.set_state(v1::JOB_STATE_RUNNING);
  row.job.set_attempt(row.job.attempt() + 1);
  row.job.set_step(0);
  if (!row.job.has_start_time()) *row.job.mutable_start_time() = ToProto(clock_.Now());
  // The wait is over, also if the wall clock is set back before a restart of the server.
  row.not_before = absl::UnixEpoch();
  row.lease_id = "lease_" + NewId();
  row.lease_worker = query.worker;
  row.lease_nonce = query.nonce;
  row.lease_until = LeaseEnd();
  row.report_number = 0;
  row.state_time = StateTime();
  RETURN_IF_ERROR(db.Query("SELECT digest FROM base_model WHERE name = ?",
                           {BaseModelOf(row.job.spec())}, [&](const SqlRow& columns) {
                             row.base_model_digest = columns.Text(0);
                             return absl::OkStatus();
                           }));
  v1::Event started;
  started.mutable_started()->set_worker(query.worker);
  started.mutable_started()->set_device(query.device);
  started.mutable_started()->set_traceparent(Traceparent(LeaseSpan(row.trace, row.lease_id)));
  RETURN_IF_ERROR(AppendEvent(db, clock_.Now(), row, std::move(started)));
  RETURN_IF_ERROR(SaveJob(db, JobChange::kLease, time_.Now(), before, row));
  return db
      .Execute("UPDATE tenant SET turn = (SELECT max(turn) FROM tenant) + 1 WHERE name = ?",
               {row.tenant})
      .status();
}

absl::StatusOr<Grant> SqlJobStore::FindLease(std::string_view job, std::string_view lease_id) {
  Grant grant;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const JobRow row, FindLeased(db, job, lease_id));
    grant = GrantOf(row);
    return absl::OkStatus();
  }));
  return grant;
}

absl::StatusOr<v1::Directive> SqlJobStore::Report(const v1::ReportRequest& report) {
  for (int i = 0; i < report.events_size(); ++i) {
    RETURN_IF_ERROR(CheckReported(report.events(i), i));
  }
  VICO_FAILPOINT("report.before_row");
  bool cancel = false;
  bool has_events = false;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    has_events = false;
    ASSIGN_OR_RETURN(const JobRow before, FindLeased(db, report.job(), report.lease_id()));
    JobRow row = before;
    const uint64_t next = before.report_number + 1;
    if (report.report_number() == 0 || report.report_number() > next) {
      return FieldError("report_number",
                        fmt::format("must be 1..{}, got {}", next, report.report_number()));
    }
    row.lease_until = LeaseEnd();
    if (report.report_number() == next) {
      row.report_number = next;
      for (v1::Event event : report.events()) {
        if (event.has_checkpoint()) {
          ApplyEvent(row, event);
          RETURN_IF_ERROR(NameCheckpoints(db, time_.Now(), row));
        } else {
          RETURN_IF_ERROR(NameBlobs(db, row.tenant, row.job.name(), BlobsNamedBy(event)));
          ApplyEvent(row, event);
        }
        RETURN_IF_ERROR(AppendEvent(db, clock_.Now(), row, std::move(event)));
        has_events = true;
      }
    }
    cancel = row.job.cancel_requested();
    return SaveJob(db, JobChange::kReport, time_.Now(), before, row);
  }));
  if (has_events) feed_.JobChanged(report.job());
  VICO_FAILPOINT("report.after_commit");
  return cancel ? v1::DIRECTIVE_CANCEL : v1::DIRECTIVE_CONTINUE;
}

}  // namespace vico::server
