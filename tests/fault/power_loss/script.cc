#include "tests/fault/power_loss/script.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/jobs/job.h"
#include "server/objects/local_objects.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_catalog.h"
#include "server/store/sql_job_store.h"
#include "tests/support/fake_clock.h"

namespace vico::fault {
namespace {

constexpr char kTenant[] = "default";
constexpr char kBase[] = "baseModels/toy";

class Script {
 public:
  Script(DiskRecorder& disk, server::Files& files, std::string root)
      : disk_(disk), files_(files), root_(std::move(root)) {}

  absl::Status Play(int jobs) {
    RETURN_IF_ERROR(files_.MakeFolder(root_ + "/blobs"));
    RETURN_IF_ERROR(files_.SyncFolder(root_));
    for (int i = 0; i < jobs; ++i) {
      if (i % 10 == 0) RETURN_IF_ERROR(Start());  // a restart
      RETURN_IF_ERROR(PlayJob(i));
    }
    Stop();
    return absl::OkStatus();
  }

  History Take() { return std::move(history_); }

 private:
  void Stop() {
    jobs_.reset();
    catalog_.reset();
    blobs_.reset();
    objects_.reset();
    database_.reset();
  }

  absl::Status Start() {
    Stop();
    ASSIGN_OR_RETURN(database_, server::SqliteDatabase::Open(root_ + "/vico.db"));
    ASSIGN_OR_RETURN(objects_, server::LocalObjects::Open(root_ + "/blobs", files_));
    blobs_ =
        std::make_unique<server::TrackedBlobStore>(server::BlobParts{*objects_, *database_, time_});
    catalog_ = std::make_unique<server::SqlCatalog>(*database_, time_);
    ASSIGN_OR_RETURN(jobs_, server::SqlJobStore::Open(*database_, clock_, time_, feed_, {}));
    return absl::OkStatus();
  }

  absl::Status PlayJob(int i) {
    const bool training = i % 3 == 0;
    ASSIGN_OR_RETURN(const std::string job, Submit(i, training));
    if (i % 7 == 6) return Cancel(job);
    RETURN_IF_ERROR(Attempt(job, training, /*release=*/i % 5 == 4));
    return i % 5 == 4 ? Attempt(job, training, /*release=*/false) : absl::OkStatus();
  }

  absl::StatusOr<std::string> Submit(int i, bool training) {
    server::SubmitRequest request;
    request.key = {kTenant, fmt::format("request-{}", i), "hash"};
    if (training) {
      v1::Concept pictured;
      ASSIGN_OR_RETURN(*pictured.add_pictures()->mutable_blob(),
                       Put(fmt::format("picture of concept {}", i)));
      ASSIGN_OR_RETURN(
          const v1::Concept made,
          catalog_->CreateConcept({kTenant, fmt::format("concept-{}", i), "hash"}, pictured));
      request.spec.mutable_train()->set_concept_name(made.name());
      request.spec.mutable_train()->set_base_model(kBase);
    } else {
      request.spec.mutable_generate()->set_base_model(kBase);
    }
    ClientCall call;
    call.kind = ClientCall::Kind::kSubmit;
    call.request_id = request.key.request_id;
    return Call(std::move(call), [&] { return jobs_->Submit(request); });
  }

  absl::Status Cancel(const std::string& job) {
    ClientCall call;
    call.kind = ClientCall::Kind::kCancel;
    call.job = job;
    return Call(std::move(call), [&] { return jobs_->Cancel(kTenant, job); }).status();
  }

  template <typename Work>
  absl::StatusOr<std::string> Call(ClientCall call, const Work& work) {
    call.called_us = disk_.count();
    const absl::StatusOr<v1::Job> job = work();
    call.answered_us = disk_.count();
    call.code = job.status().code();
    if (job.ok()) {
      call.job = job->name();
      call.state = job->state();
      call.last_sequence = job->last_sequence();
      call.cancel_requested = job->cancel_requested();
    }
    history_.calls.push_back(call);
    if (!job.ok()) return job.status();
    return job->name();
  }

  /// A lease, two reports and a finish.
  absl::Status Attempt(const std::string& job, bool training, bool release) {
    server::LeaseQuery query;
    query.worker = "worker";
    query.device = "cpu";
    query.nonce = fmt::format("nonce-{}", ++nonces_);
    query.base_models = {kBase};
    WorkerRecord lease;
    lease.what = "lease";
    server::Grant grant;
    RETURN_IF_ERROR(WorkerCall(lease, [&]() -> absl::Status {
      ASSIGN_OR_RETURN(const std::vector<server::Grant> grants, jobs_->Lease(query));
      if (grants.size() != 1 || grants[0].job.name() != job) {
        return absl::InternalError("the script's job was not leased");
      }
      grant = grants[0];
      lease.job = job;
      lease.lease_id = grant.lease_id;
      lease.attempt = grant.job.attempt();
      return absl::OkStatus();
    }));
    for (uint64_t number = 1; number <= 2; ++number) {
      RETURN_IF_ERROR(Report(lease, number));
    }
    return Finish(lease, training, release);
  }

  absl::Status Report(const WorkerRecord& lease, uint64_t number) {
    v1::ReportRequest report;
    report.set_job(lease.job);
    report.set_lease_id(lease.lease_id);
    report.set_report_number(number);
    report.add_events()->mutable_progress()->set_step(static_cast<int64_t>(number));
    if (number == 2) {
      ASSIGN_OR_RETURN(*report.add_events()->mutable_mask()->mutable_blob(),
                       Put(fmt::format("mask of {}", lease.lease_id)));
    }
    WorkerRecord record = lease;
    record.what = "report";
    record.step = static_cast<int64_t>(number);
    return WorkerCall(record, [&] { return jobs_->Report(report).status(); });
  }

  absl::Status Finish(const WorkerRecord& lease, bool training, bool release) {
    v1::FinishRequest finish;
    finish.set_job(lease.job);
    finish.set_lease_id(lease.lease_id);
    WorkerRecord record = lease;
    record.what = "finish";
    if (release) {
      finish.mutable_released();
      record.outcome = "released";
    } else if (training) {
      ASSIGN_OR_RETURN(*finish.mutable_trained()->mutable_adapter(),
                       Put(std::string(3000, 'a') + lease.lease_id));
      ASSIGN_OR_RETURN(*finish.mutable_trained()->mutable_reference(),
                       Put("reference of " + lease.lease_id));
      record.outcome = "trained";
      record.blob = finish.trained().adapter().sha256();
    } else {
      ASSIGN_OR_RETURN(*finish.mutable_generated()->add_pictures()->mutable_blob(),
                       Put("picture of " + lease.lease_id));
      record.outcome = "generated";
      record.blob = finish.generated().pictures(0).blob().sha256();
    }
    return WorkerCall(record, [&] { return jobs_->Finish(finish).status(); });
  }

  template <typename Work>
  absl::Status WorkerCall(WorkerRecord& record, const Work& work) {
    record.called_us = disk_.count();
    const absl::Status status = work();
    record.answered_us = disk_.count();
    record.code = absl::StatusCodeToString(status.code());
    if (!record.job.empty()) history_.workers.push_back(record);  // empty: no lease was granted
    return status;
  }

  absl::StatusOr<v1::BlobRef> Put(const std::string& bytes) {
    return PutBlob(*blobs_, kTenant, bytes, "application/octet-stream");
  }

  DiskRecorder& disk_;
  server::Files& files_;
  const std::string root_;
  FakeClock clock_;
  const server::StoreClock time_{clock_};
  server::EventFeed feed_;
  std::unique_ptr<server::Database> database_;
  std::unique_ptr<server::LocalObjects> objects_;
  std::unique_ptr<server::TrackedBlobStore> blobs_;
  std::unique_ptr<server::SqlCatalog> catalog_;
  std::unique_ptr<server::SqlJobStore> jobs_;
  History history_;
  int nonces_ = 0;
};

}  // namespace

History RunScript(DiskRecorder& disk, server::Files& files, const std::string& root, int jobs) {
  Script script(disk, files, root);
  script.Play(jobs).IgnoreError();  // a failed sync ends it early
  return script.Take();
}

History Until(const History& history, int64_t count) {
  History cut;
  for (ClientCall call : history.calls) {
    if (call.called_us >= count) continue;
    if (call.answered_us > count) call.code = absl::StatusCode::kUnavailable;
    if (call.kind == ClientCall::Kind::kSubmit && call.code != absl::StatusCode::kOk) {
      call.job.clear();
    }
    cut.calls.push_back(std::move(call));
  }
  for (WorkerRecord record : history.workers) {
    if (record.called_us >= count || (record.what == "lease" && record.answered_us > count)) {
      continue;
    }
    if (record.answered_us > count) record.code.clear();
    cut.workers.push_back(std::move(record));
  }
  return cut;
}

}  // namespace vico::fault
