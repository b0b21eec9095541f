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
/// model in ?2 and, unless it is empty, of ?3, that needs at most ?6 devices. One index lookup for
/// each tenant and kind, however many jobs wait. ?1 is the store time, ?4 and ?5 the limits of
/// running trainings and generations.
std::string NextJobSql(const SqlDialect& dialect) {
  return fmt::format(
      "SELECT {} FROM tenant CROSS JOIN "
      "(SELECT 'training' AS kind, CAST(?4 AS BIGINT) AS most "
      "UNION ALL SELECT 'generation', CAST(?5 AS BIGINT)) AS share "
      "JOIN job ON job.number = (SELECT oldest.number FROM job AS oldest "
      "WHERE oldest.state = 'queued' AND oldest.tenant = tenant.name AND oldest.kind = share.kind "
      "AND oldest.not_before <= ?1 AND oldest.base_model IN ({}) "
      "AND (?3 = '' OR oldest.base_model = ?3) AND oldest.devices <= ?6 "
      "ORDER BY oldest.number LIMIT 1) "
      "WHERE (?3 = '' OR share.kind = 'generation') "
      "AND (SELECT count(*) FROM job AS other WHERE other.tenant = tenant.name "
      "AND other.kind = share.kind AND other.state = 'running') < share.most "
      "ORDER BY tenant.turn, tenant.name, job.number LIMIT 1",
      kJobColumns, dialect.json_list("?2"));
}

}  // namespace

/// The job to grant next, of `base_model` alone unless that is empty.
absl::Status SqlJobStore::FindNext(SqlSession& db, const LeaseQuery& query,
                                   std::string_view base_model, JobRow& row, bool& found) const {
  const std::string base_models = nlohmann::json(query.base_models).dump();
  return FindFirst(db, NextJobSql(db.dialect()),
                   {absl::ToUnixMicros(time_.Now()), base_models, base_model,
                    int64_t{options_.trainings_per_tenant},
                    int64_t{options_.generations_per_tenant}, int64_t{query.devices}},
                   row, found);
}

/// Reads the row again, so that it stays as it is, with the digest of its base model. False when
/// the job waits no longer.
absl::StatusOr<bool> SqlJobStore::HoldQueued(SqlSession& db, JobRow& row) const {
  static const int kDigest =
      static_cast<int>(std::count(kJobColumns.begin(), kJobColumns.end(), ',')) + 1;
  static const std::string kSql = fmt::format(
      "SELECT {}, (SELECT digest FROM base_model WHERE name = job.base_model) FROM job "
      "WHERE number = ? AND state = 'queued' AND not_before <= ? FOR NO KEY UPDATE",
      kJobColumns);
  RETURN_IF_ERROR(db.Lock(TenantScope(row.tenant)));
  bool found = false;
  RETURN_IF_ERROR(db.Query(kSql, {row.number, absl::ToUnixMicros(time_.Now())},
                           [&](const SqlRow& columns) -> absl::Status {
                             ASSIGN_OR_RETURN(row, FromRow(columns));
                             row.base_model_digest = columns.Text(kDigest);
                             found = true;
                             return absl::OkStatus();
                           }));
  return found;
}

/// Whether a lease would grant anything now. Many workers ask all the time; only those for whom
/// there is a job write, and take the lock of leases.
absl::StatusOr<bool> SqlJobStore::HasWork(const LeaseQuery& query) {
  bool any = false;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t repeated,
                     db.QueryInt("SELECT 1 FROM job WHERE state = 'running' AND lease_worker = ? "
                                 "AND lease_nonce = ? LIMIT 1",
                                 {query.worker, query.nonce}, 0));
    any = repeated != 0;
    if (any || query.max_jobs == 0) return absl::OkStatus();
    JobRow row;
    return FindNext(db, query, "", row, any);
  }));
  return any;
}

absl::StatusOr<std::vector<Grant>> SqlJobStore::Lease(const LeaseQuery& query) {
  static const std::string kRepeated = SelectJob(
      "WHERE state = 'running' AND lease_worker = ? AND lease_nonce = ? "
      "ORDER BY number FOR NO KEY UPDATE");
  ASSIGN_OR_RETURN(const bool has_work, HasWork(query));
  if (!has_work) return std::vector<Grant>();
  std::vector<JobRow> rows;
  std::vector<JobPhase> waits;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    rows.clear();
    waits.clear();
    RETURN_IF_ERROR(db.Lock(kLeaseScope));
    RETURN_IF_ERROR(db.Query(kRepeated, {query.worker, query.nonce},
                             [&](const SqlRow& columns) -> absl::Status {
                               ASSIGN_OR_RETURN(JobRow row, FromRow(columns));
                               rows.push_back(std::move(row));
                               return absl::OkStatus();
                             }));
    if (!rows.empty()) {
      for (JobRow& row : rows) {
        const JobRow before = row;
        row.lease_until = LeaseEnd();
        RETURN_IF_ERROR(SaveJob(db, JobChange::kReport, time_.Now(), before, row));
      }
      return absl::OkStatus();
    }
    std::string same_base_model;
    while (rows.size() < static_cast<size_t>(query.max_jobs)) {
      JobRow row;
      bool found = false;
      RETURN_IF_ERROR(FindNext(db, query, same_base_model, row, found));
      if (!found) break;
      ASSIGN_OR_RETURN(found, HoldQueued(db, row));
      // Its owner or housekeeping was faster.
      if (!found) continue;
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
    feed_.JobChanged(row.tenant, row.job.name());
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
  if (!row.job.has_start_time()) *row.job.mutable_start_time() = ToProto(time_.Wall());
  // The wait is over, also if the wall clock is set back before a restart of the server.
  row.not_before = absl::UnixEpoch();
  row.lease_id = "lease_" + NewId();
  row.lease_worker = query.worker;
  row.lease_nonce = query.nonce;
  row.lease_until = LeaseEnd();
  row.report_number = 0;
  row.state_time = StateTime();
  v1::Event started;
  started.mutable_started()->set_worker(query.worker);
  started.mutable_started()->set_device(query.device);
  started.mutable_started()->set_traceparent(Traceparent(LeaseSpan(row.trace, row.lease_id)));
  RETURN_IF_ERROR(AppendEvent(db, time_.Wall(), row, std::move(started)));
  RETURN_IF_ERROR(SaveJob(db, JobChange::kLease, time_.Now(), before, row));
  return db.Send("UPDATE tenant SET turn = (SELECT max(turn) FROM tenant) + 1 WHERE name = ?",
                 {row.tenant});
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

absl::Status SqlJobStore::NameUpload(std::string_view job, std::string_view lease_id,
                                     const v1::BlobRef& blob) {
  return database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const JobRow row, HoldLeased(db, job, lease_id));
    return NameBlobs(db, row.tenant, LeaseUser(lease_id), {blob});
  });
}

absl::StatusOr<bool> SqlJobStore::IsUpload(std::string_view tenant, std::string_view lease_id,
                                           std::string_view sha256) {
  int64_t found = 0;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(
        found,
        db.QueryInt(R"(SELECT 1 FROM blob_use WHERE tenant = ? AND sha256 = ? AND "user" = ?)",
                    {tenant, sha256, LeaseUser(lease_id)}, 0));
    return absl::OkStatus();
  }));
  return found != 0;
}

absl::StatusOr<v1::Directive> SqlJobStore::Report(const v1::ReportRequest& report) {
  for (int i = 0; i < report.events_size(); ++i) {
    RETURN_IF_ERROR(CheckReported(report.events(i), i));
  }
  VICO_FAILPOINT("report.before_row");
  v1::Directive directive = v1::DIRECTIVE_CONTINUE;
  std::string tenant;
  bool has_events = false;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    has_events = false;
    ASSIGN_OR_RETURN(const JobRow before, HoldLeased(db, report.job(), report.lease_id()));
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
        RETURN_IF_ERROR(AppendEvent(db, time_.Wall(), row, std::move(event)));
        has_events = true;
      }
    }
    tenant = row.tenant;
    directive = row.job.cancel_requested()   ? v1::DIRECTIVE_CANCEL
                : row.job.finish_requested() ? v1::DIRECTIVE_FINISH
                                             : v1::DIRECTIVE_CONTINUE;
    return SaveJob(db, JobChange::kReport, time_.Now(), before, row);
  }));
  if (has_events) feed_.JobChanged(tenant, report.job());
  VICO_FAILPOINT("report.after_commit");
  return directive;
}

}  // namespace vico::server
