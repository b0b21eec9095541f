// Lease.
#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/failpoint.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "server/jobs/job_kinds.h"
#include "server/rows/job_picture_rows.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

using Call = LeaseBatches::Call;

/// The jobs to grant next, of tenants in turn: of each tenant and kind the oldest one that may run,
/// of any base model in ?2 and, unless it is empty, of ?3, that needs at most ?6 devices; at most
/// ?8. A kind without room at the worker has the limit 0. One index lookup for each tenant and
/// kind, however many jobs wait: the range of one kind and the order by it keep PostgreSQL from the
/// index of all queued jobs by number. ?1 is the store time, ?4, ?5 and ?9 the limits of running
/// trainings, generations and evaluations. Before them, in the same round trip, the running jobs of
/// the workers in ?7.
std::string LookSql(const SqlDialect& dialect) {
  return fmt::format(
      "SELECT -1 AS turn, job.number, job.name, job.tenant, job.lease_worker, job.lease_nonce "
      "FROM job WHERE job.state = 'running' AND job.lease_worker IN ({}) "
      "UNION ALL SELECT * FROM ("
      "SELECT tenant.turn, job.number, job.name, job.tenant, '', '' FROM tenant CROSS JOIN "
      "(SELECT 'training' AS kind, CAST(?4 AS BIGINT) AS most "
      "UNION ALL SELECT 'generation', CAST(?5 AS BIGINT) "
      "UNION ALL SELECT 'evaluation', CAST(?9 AS BIGINT)) AS share "
      "JOIN job ON job.number = (SELECT oldest.number FROM job AS oldest "
      "WHERE oldest.state = 'queued' AND oldest.tenant = tenant.name "
      "AND oldest.kind BETWEEN share.kind AND share.kind AND oldest.not_before <= ?1 "
      "AND oldest.base_model IN ({}) AND (?3 = '' OR oldest.base_model = ?3) AND oldest.devices <= "
      "?6 "
      "ORDER BY oldest.kind, oldest.number LIMIT 1) "
      "WHERE (?3 = '' OR share.kind = 'generation') "
      "AND (SELECT count(*) FROM job AS other WHERE other.tenant = tenant.name "
      "AND other.kind = share.kind AND other.state = 'running') < share.most "
      "ORDER BY tenant.turn, tenant.name, job.number LIMIT ?8) AS next",
      dialect.json_list("?7"), dialect.json_list("?2"));
}

/// The base model of which this call gets further jobs; empty before its first.
std::string WantedBaseModel(const Call& call) {
  return call.rows.empty() ? "" : BaseModelOf(call.rows.back().job.spec());
}

bool HasAll(const Call* call) {
  return call->has_all ||
         call->rows.size() >= static_cast<size_t>(std::max(call->query.max_jobs, 0)) ||
         (!call->rows.empty() && call->rows.back().job.kind() != v1::JOB_KIND_GENERATION);
}

/// How many jobs of the kind may run at once; none if the worker has no room for the kind.
int64_t Most(const LeaseQuery& query, v1::JobKind kind, int per_tenant) {
  return query.kinds.empty() || query.kinds.contains(kind) ? per_tenant : 0;
}

bool WantTheSame(const Call& one, const Call& other) {
  return SuitTheSame(one.query, other.query) && WantedBaseModel(one) == WantedBaseModel(other);
}

}  // namespace

/// The leases of `workers`; and the jobs for as many calls as wait for what `call` wants, in the
/// order of turns. At most one job of a tenant: after it, it is other tenants' turn.
absl::StatusOr<SqlJobStore::Outlook> SqlJobStore::Look(SqlSession& db, const Call& call,
                                                       const std::vector<std::string>& workers,
                                                       size_t calls) const {
  struct Candidate {
    int64_t turn;
    std::string tenant;
    int64_t number;
    std::string name;
  };
  const std::string base_models = nlohmann::json(call.query.base_models).dump();
  const std::string names = nlohmann::json(workers).dump();
  // A tenant may have a job of each kind.
  const auto most = static_cast<int64_t>(kJobKinds.size() * calls);
  std::vector<Candidate> candidates;
  Outlook outlook;
  RETURN_IF_ERROR(
      db.Query(LookSql(db.dialect()),
               {absl::ToUnixMicros(time_.Now()), base_models, WantedBaseModel(call),
                Most(call.query, v1::JOB_KIND_TRAINING, options_.trainings_per_tenant),
                Most(call.query, v1::JOB_KIND_GENERATION, options_.generations_per_tenant),
                int64_t{call.query.devices}, names, most,
                Most(call.query, v1::JOB_KIND_EVALUATION, options_.evaluations_per_tenant)},
               [&](const SqlRow& row) {
                 if (row.Int(0) < 0) {
                   outlook.running.emplace(row.Text(4), row.Text(5));
                 } else {
                   candidates.push_back({row.Int(0), row.Text(3), row.Int(1), row.Text(2)});
                 }
                 return absl::OkStatus();
               }));
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& one, const Candidate& other) {
    return std::tie(one.turn, one.tenant, one.number) <
           std::tie(other.turn, other.tenant, other.number);
  });
  std::string last;
  for (Candidate& candidate : candidates) {
    if (outlook.next.size() == calls) break;
    if (candidate.tenant == last) continue;
    last = candidate.tenant;
    outlook.next.push_back(std::move(candidate.name));
  }
  return outlook;
}

/// Reads the rows again, so that they stay as they are, with the digests of their base models.
/// Leaves out those that wait no longer: their owner or housekeeping was faster.
absl::StatusOr<std::vector<JobRow>> SqlJobStore::HoldQueued(
    SqlSession& db, const std::vector<std::string>& names) const {
  static const int kDigest =
      static_cast<int>(std::count(kJobColumns.begin(), kJobColumns.end(), ',')) + 1;
  const std::string sql = fmt::format(
      "SELECT {}, (SELECT digest FROM base_model WHERE name = job.base_model) FROM job "
      "WHERE name IN ({}) AND state = 'queued' AND not_before <= ?2 ORDER BY number "
      "FOR NO KEY UPDATE",
      kJobColumns, db.dialect().json_list("?1"));
  std::map<std::string, JobRow> held;
  RETURN_IF_ERROR(db.Query(sql, {nlohmann::json(names).dump(), absl::ToUnixMicros(time_.Now())},
                           [&](const SqlRow& columns) -> absl::Status {
                             ASSIGN_OR_RETURN(JobRow row, FromRow(columns));
                             row.base_model_digest = columns.Text(kDigest);
                             held.emplace(row.job.name(), std::move(row));
                             return absl::OkStatus();
                           }));
  std::vector<JobRow> rows;
  for (const std::string& name : names) {
    if (const auto found = held.find(name); found != held.end()) {
      rows.push_back(std::move(found->second));
    }
  }
  return rows;
}

/// Whether a lease would grant anything now. Many workers ask all the time; only those for whom
/// there is a job write, and take the lock of leases.
absl::StatusOr<bool> SqlJobStore::HasWork(const LeaseQuery& query) {
  bool any = false;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const Outlook outlook, Look(db, Call(query), {query.worker}, 1));
    any = outlook.running.contains({query.worker, query.nonce}) ||
          (query.max_jobs > 0 && !outlook.next.empty());
    return absl::OkStatus();
  }));
  return any;
}

/// Gives a repeated call what it got before.
absl::Status SqlJobStore::GrantAgain(SqlSession& db, Call& call) {
  static const std::string kRepeated = SelectJob(
      "WHERE state = 'running' AND lease_worker = ? AND lease_nonce = ? "
      "ORDER BY number FOR NO KEY UPDATE");
  RETURN_IF_ERROR(db.Query(kRepeated, {call.query.worker, call.query.nonce},
                           [&](const SqlRow& columns) -> absl::Status {
                             ASSIGN_OR_RETURN(JobRow row, FromRow(columns));
                             call.rows.push_back(std::move(row));
                             return absl::OkStatus();
                           }));
  call.has_all = true;
  for (JobRow& row : call.rows) {
    const JobRow before = row;
    row.lease_until = LeaseEnd();
    RETURN_IF_ERROR(SaveJob(db, JobChange::kReport, time_.Now(), before, row));
    RETURN_IF_ERROR(LoadJobPictures(db, row));
  }
  return absl::OkStatus();
}

/// Serves the calls in rounds: those that want the same get a job each, of different tenants. The
/// tenants' locks are not needed: the rows are locked, and who ends a tenant takes the lock of
/// leases.
absl::Status SqlJobStore::GrantAll(SqlSession& db, std::span<Call* const> calls) {
  std::vector<std::string> workers;
  for (Call* const call : calls) {
    call->rows.clear();
    call->waits.clear();
    call->has_all = false;
    workers.push_back(call->query.worker);
  }
  std::vector<Call*> open(calls.begin(), calls.end());
  RETURN_IF_ERROR(db.Lock(kLeaseScope));
  while (!open.empty()) {
    std::vector<Call*> group;
    std::copy_if(open.begin(), open.end(), std::back_inserter(group),
                 [&](const Call* call) { return WantTheSame(*call, *open[0]); });
    ASSIGN_OR_RETURN(const Outlook outlook, Look(db, *group[0], workers, group.size()));
    // Workers are asked about once.
    workers.clear();
    for (Call* const call : open) {
      if (outlook.running.contains({call->query.worker, call->query.nonce})) {
        RETURN_IF_ERROR(GrantAgain(db, *call));
      }
    }
    std::erase_if(group, HasAll);
    if (outlook.next.empty()) {
      for (Call* const call : group) call->has_all = true;
    }
    std::erase_if(open, HasAll);
    if (outlook.next.empty() || group.empty()) continue;
    ASSIGN_OR_RETURN(std::vector<JobRow> rows, HoldQueued(db, outlook.next));
    for (size_t i = 0; i < std::min(rows.size(), group.size()); ++i) {
      RETURN_IF_ERROR(GrantOne(db, *group[i], std::move(rows[i])));
    }
    std::erase_if(open, HasAll);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Grant>> SqlJobStore::Lease(const LeaseQuery& query) {
  // While others are given such jobs, there probably are some.
  if (!leases_.IsBusyWith(query)) {
    ASSIGN_OR_RETURN(const bool has_work, HasWork(query));
    if (!has_work) return std::vector<Grant>();
  }
  Call call(query);
  leases_.Run(call, [this](std::span<Call* const> calls) {
    return database_.Write([&](SqlSession& db) { return GrantAll(db, calls); });
  });
  RETURN_IF_ERROR(call.status);
  for (const JobPhase& wait : call.waits) RecordPhase(wait);
  std::vector<Grant> grants;
  for (const JobRow& row : call.rows) {
    feed_.JobChanged(row.tenant, row.job.name());
    grants.push_back(GrantOf(row));
  }
  if (!grants.empty()) VICO_FAILPOINT("lease.after_commit");
  return grants;
}

absl::Status SqlJobStore::GrantOne(SqlSession& db, Call& call, JobRow row) {
  const LeaseQuery& query = call.query;
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
  RETURN_IF_ERROR(db.Send(
      "UPDATE tenant SET turn = (SELECT max(turn) FROM tenant) + 1 WHERE name = ?", {row.tenant}));
  RETURN_IF_ERROR(LoadJobPictures(db, row));
  call.waits.push_back(PhaseEnded(JobChange::kLease, before, row));
  call.rows.push_back(std::move(row));
  return absl::OkStatus();
}

}  // namespace vico::server
