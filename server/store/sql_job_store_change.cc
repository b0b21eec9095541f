// What clients change of a job: cancel, early end, display name and labels.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "server/jobs/job_kinds.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

/// Records that the job has changed without an event: later than any earlier such change.
absl::Status MarkUpdated(SqlSession& db, absl::Time now, int64_t number) {
  return db.Send(
      "UPDATE job SET update_time = CASE WHEN update_time >= ?1 THEN update_time + 1 "
      "ELSE ?1 END WHERE number = ?2",
      {absl::ToUnixMicros(now), number});
}

}  // namespace

/// Cancels or asks to cancel in the current transaction: true when `row` differs from `before`.
absl::StatusOr<bool> SqlJobStore::CancelIn(SqlSession& db, std::string_view tenant,
                                           std::string_view name, JobRow& before, JobRow& row) {
  ASSIGN_OR_RETURN(before, HoldJobOfTenant(db, tenant, name));
  row = before;
  if (IsTerminal(row.job.state()) || row.job.cancel_requested()) return false;
  row.job.set_cancel_requested(true);
  const bool queued = row.job.state() == v1::JOB_STATE_QUEUED;
  if (queued) RETURN_IF_ERROR(CancelNow(db, row));
  RETURN_IF_ERROR(
      SaveJob(db, queued ? JobChange::kCancel : JobChange::kAskToStop, time_.Now(), before, row));
  if (!queued) RETURN_IF_ERROR(MarkUpdated(db, time_.Wall(), row.number));
  return true;
}

absl::StatusOr<v1::Job> SqlJobStore::Cancel(std::string_view tenant, std::string_view name) {
  JobRow before;
  JobRow row;
  bool changed = false;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(changed, CancelIn(db, tenant, name, before, row));
    return absl::OkStatus();
  }));
  if (changed) {
    feed_.JobChanged(tenant, name);
    if (IsTerminal(row.job.state())) RecordPhase(PhaseEnded(JobChange::kCancel, before, row));
  }
  VICO_FAILPOINT("cancel.after_commit");
  return std::move(row.job);
}

absl::StatusOr<CancelledJobs> SqlJobStore::CancelAll(std::string_view tenant,
                                                     const std::vector<std::string>& jobs) {
  // In the order of their key, so that two calls do not wait for each other's rows.
  std::vector<std::string> names = jobs;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  CancelledJobs result;
  std::vector<JobPhase> phases;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    result = {};
    phases.clear();
    for (const std::string& name : names) {
      JobRow before;
      JobRow row;
      const absl::StatusOr<bool> changed = CancelIn(db, tenant, name, before, row);
      if (absl::IsNotFound(changed.status()) || (changed.ok() && !*changed)) {
        result.unchanged.push_back(name);
        continue;
      }
      if (!changed.ok()) return changed.status();
      const bool ended = IsTerminal(row.job.state());
      (ended ? result.cancelled : result.requested).push_back(name);
      if (ended) phases.push_back(PhaseEnded(JobChange::kCancel, before, row));
    }
    return absl::OkStatus();
  }));
  for (const std::string& name : result.cancelled) feed_.JobChanged(tenant, name);
  for (const std::string& name : result.requested) feed_.JobChanged(tenant, name);
  for (const JobPhase& phase : phases) RecordPhase(phase);
  return result;
}

absl::StatusOr<v1::Job> SqlJobStore::AskToFinish(std::string_view tenant, std::string_view name) {
  JobRow row;
  bool changed = false;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(row, HoldJobOfTenant(db, tenant, name));
    changed = false;
    if (row.job.kind() != v1::JOB_KIND_TRAINING) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   fmt::format("name: only a training can end early; {} is {}", name,
                               KindWithArticle(row.job.kind())),
                   "NOT_A_TRAINING");
    }
    if (row.job.state() != v1::JOB_STATE_RUNNING) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   fmt::format("name: only a running training can end early; {} is {}", name,
                               StateName(row.job.state())),
                   "JOB_NOT_RUNNING");
    }
    if (row.job.finish_requested()) return absl::OkStatus();
    RETURN_IF_ERROR(
        db.Send("UPDATE job SET finish_requested = 1 WHERE number = ? "
                "AND state = 'running'",
                {row.number}));
    RETURN_IF_ERROR(MarkUpdated(db, time_.Wall(), row.number));
    row.job.set_finish_requested(true);
    changed = true;
    return absl::OkStatus();
  }));
  if (changed) feed_.JobChanged(tenant, name);
  return std::move(row.job);
}

absl::StatusOr<v1::Job> SqlJobStore::Update(std::string_view tenant, std::string_view name,
                                            const ResourceUpdate& update) {
  JobRow row;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(row, HoldJobOfTenant(db, tenant, name));
    RETURN_IF_ERROR(
        ApplyUpdate(update, *row.job.mutable_display_name(), *row.job.mutable_labels()));
    RETURN_IF_ERROR(SaveDisplay(db, row));
    RETURN_IF_ERROR(MarkUpdated(db, time_.Wall(), row.number));
    return SetPositions(db, {&row, 1});
  }));
  feed_.JobChanged(tenant, name);
  return std::move(row.job);
}

}  // namespace vico::server
