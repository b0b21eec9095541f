// Report, and what a worker does under its lease.
#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"
#include "server/rows/job_picture_rows.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

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

}  // namespace

Grant SqlJobStore::GrantOf(const JobRow& row) {
  return {row.tenant,      row.lease_id,     row.job,   row.base_model_digest,
          row.checkpoints, row.lease_worker, row.trace, row.pictures};
}

absl::StatusOr<Grant> SqlJobStore::FindLease(std::string_view job, std::string_view lease_id) {
  Grant grant;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, FindLeased(db, job, lease_id));
    RETURN_IF_ERROR(LoadJobPictures(db, row));
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
