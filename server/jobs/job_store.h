// Interface of the queue: jobs, their events and their leases. Every change of state and its event
// are one transaction, durable when the call returns OK. `attempt` rises with each lease and is the
// fencing token: a call under an older lease gets kAborted and writes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/tracing/trace_context.h"
#include "server/jobs/job_filter.h"
#include "server/jobs/job_phase.h"
#include "server/jobs/job_pictures.h"
#include "server/jobs/request_key.h"
#include "server/jobs/resource_update.h"
#include "server/tenants/tenant_quota.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

struct JobStoreOptions {
  absl::Duration lease = absl::Seconds(30);
  int queued_per_tenant = 100;
  int queued_total = 10'000;
  int trainings_per_tenant = 4;                  ///< running at once; more stay queued
  int generations_per_tenant = 8;                ///< running at once; more stay queued
  int evaluations_per_tenant = 4;                ///< running at once; more stay queued
  absl::Duration queue_limit = absl::Hours(24);  ///< a job that waits longer fails
  absl::Duration total_limit = absl::Hours(72);  ///< a job that lasts longer, waits included, fails
  double submits_per_second = 0;  ///< new jobs of a tenant on all servers; 0: no limit
  int submit_burst = 20;          ///< new jobs of a tenant above that rate
  TenantQuota quota{};
  Retention retention{};
  std::function<double()> random01;  ///< spreads retries; any thread; always 0.5 if left out
  OnJobPhase on_phase{};             ///< optional
};

struct SubmitRequest {
  RequestKey key;    ///< hash of the request as sent, before a seed is drawn
  v1::JobSpec spec;  ///< checked and complete, with a base model
  std::vector<v1::Event::Warning> warnings;  ///< each becomes an event after `queued`
  TraceContext trace{};                      ///< of the call; stored with the job
  bool base_model_missing = false;           ///< `warnings` say that no worker can serve the job
  JobPictures pictures{};                    ///< that the spec names
  std::string display_name{};                ///< checked
  Labels labels{};                           ///< checked
};

struct JobQuery {
  std::string tenant;
  int page_size = 50;        ///< 1..100
  std::string page_token{};  ///< of the previous page; empty for the first
  JobFilter filter{};
};

/// Lists count their entries up to here.
inline constexpr int64_t kMostCounted = 10'000;

struct JobPage {
  std::vector<v1::Job> jobs;    ///< newest first
  std::string next_page_token;  ///< empty on the last page
  int64_t total_size = 0;       ///< of all pages; at most kMostCounted
};

/// The jobs of a bulk cancel, by what happened to them.
struct CancelledJobs {
  std::vector<std::string> cancelled;  ///< were queued
  std::vector<std::string> requested;  ///< are running, and end with the next report
  std::vector<std::string> unchanged;  ///< not found, finished, or asked before
};

struct LeaseQuery {
  std::string worker;
  std::string device;  ///< for the `started` event
  std::string nonce;   ///< not empty; a repeat by the same worker returns the same grants
  std::vector<std::string> base_models;  ///< "baseModels/{id}" that the worker serves
  int max_jobs = 1;                  ///< several grants are always generations on one base model
  int devices = 1;                   ///< of the worker, which gets no training that needs more
  std::set<v1::JobKind> kinds = {};  ///< that the worker has room for; empty: all
};

/// A base model that living workers serve.
struct ServedBaseModel {
  std::string name;  ///< "baseModels/{id}"
  int devices = 1;   ///< the most that one of them has

  bool operator==(const ServedBaseModel&) const = default;
};

struct Grant {
  std::string tenant;
  std::string lease_id;
  v1::Job job;                    ///< running; `job.attempt()` is the fencing token
  std::string base_model_digest;  ///< of the base model at the lease; empty if unregistered
  v1::TrainingCheckpoints checkpoints{};
  std::string worker{};  ///< holder of the lease
  TraceContext trace{};  ///< as submitted
  JobPictures pictures{};
};

/// Jobs of one tenant and kind that are not in a terminal state.
struct QueueCounts {
  std::string tenant;
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
  int64_t queued = 0;
  int64_t running = 0;
  absl::Duration oldest_wait;  ///< age of the oldest queued job; zero if none is queued
};

/// Any thread. Errors common to all calls: kUnavailable when the database is unreachable or busy
/// for more than 5 s, kResourceExhausted when its disk is full, kInternal for a bug of this
/// program.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Queues a job. The same request id with the same body hash returns the job in its current
  /// state; with another hash kFailedPrecondition, reason REQUEST_ID_REUSED. kNotFound when the
  /// concept or adapter in the spec does not exist; kFailedPrecondition, reason
  /// NO_CONCEPT_PICTURES, for an evaluation whose concept does not. A training that continues an
  /// adapter gets the checkpoint after the adapter's last step, if it is kept. kResourceExhausted,
  /// reason QUEUE_FULL and RetryInfo, when the tenant's or the whole queue is full; reason
  /// SUBMIT_RATE and RetryInfo when the tenant submits too fast; reason QUOTA_EXCEEDED when the
  /// tenant has no room for results. kNotFound, reason REQUEST_RESULT_DELETED, when the request's
  /// job has been deleted. kFailedPrecondition, reason BLOB_MISSING, when a picture is not stored;
  /// those of a job stay stored until it is deleted.
  virtual absl::StatusOr<v1::Job> Submit(const SubmitRequest& request) = 0;

  /// The job that this request created, in its current state. Callers use it before they check the
  /// spec, since a repeat is valid even if the concept or adapter has been deleted. kNotFound when
  /// the request is new (reason REQUEST_IS_NEW) or its job has been deleted (reason
  /// REQUEST_RESULT_DELETED); kFailedPrecondition as for Submit.
  virtual absl::StatusOr<v1::Job> FindByRequest(const RequestKey& key) = 0;

  /// kNotFound also for another tenant's job.
  virtual absl::StatusOr<v1::Job> Get(std::string_view tenant, std::string_view job) = 0;

  /// kInvalidArgument for a malformed page token.
  virtual absl::StatusOr<JobPage> List(const JobQuery& query) = 0;

  /// A queued job is cancelled at once. A running job gets the cancel flag, which the worker
  /// receives with its next report; from then on the job cannot succeed. No change for a job in a
  /// terminal state or with the flag set.
  virtual absl::StatusOr<v1::Job> Cancel(std::string_view tenant, std::string_view job) = 0;

  /// Cancels each of at most 100 jobs, as Cancel() does, in one transaction.
  virtual absl::StatusOr<CancelledJobs> CancelAll(std::string_view tenant,
                                                  const std::vector<std::string>& jobs) = 0;

  /// Sets the flag that a running training is to end early, which the worker receives with its
  /// next report. No change if it is set. kNotFound; kFailedPrecondition, reason NOT_A_TRAINING for
  /// a generation, JOB_NOT_RUNNING for a training in another state.
  virtual absl::StatusOr<v1::Job> AskToFinish(std::string_view tenant, std::string_view job) = 0;

  /// Changes display name and labels. kNotFound; kInvalidArgument as ApplyUpdate().
  virtual absl::StatusOr<v1::Job> Update(std::string_view tenant, std::string_view job,
                                         const ResourceUpdate& update) = 0;

  /// Deletes a finished job with its events; blobs that nothing else references become garbage. The
  /// adapter of a training stays. kNotFound; kFailedPrecondition, reason JOB_NOT_FINISHED, for a
  /// queued or running job.
  virtual absl::Status Delete(std::string_view tenant, std::string_view job) = 0;

  /// Grants up to `max_jobs`: tenants take turns, and each tenant's oldest job comes first. Empty
  /// when no job fits. A tenant at its limit of running jobs of a kind gets none of that kind.
  virtual absl::StatusOr<std::vector<Grant>> Lease(const LeaseQuery& query) = 0;

  /// The grant of a live lease; kAborted, reason LEASE_LOST, when the lease has ended.
  virtual absl::StatusOr<Grant> FindLease(std::string_view job, std::string_view lease_id) = 0;

  /// Extends the lease and appends the events. The job keeps its two newest checkpoints. A repeated
  /// report number adds nothing; a gap is kInvalidArgument. kAborted, reason LEASE_LOST, when the
  /// lease has ended; kNotFound for an unknown job. kFailedPrecondition, reason BLOB_MISSING, when
  /// an event references a blob that is not stored. Returns CONTINUE, CANCEL or FINISH.
  virtual absl::StatusOr<v1::Directive> Report(const v1::ReportRequest& report) = 0;

  /// References a blob that the lease's worker has uploaded, until the lease ends: it is not
  /// collected, and the worker may read it. kAborted, reason LEASE_LOST, when the lease has ended;
  /// kFailedPrecondition, reason BLOB_MISSING, when the blob is not stored.
  virtual absl::Status NameUpload(std::string_view job, std::string_view lease_id,
                                  const v1::BlobRef& blob) = 0;

  /// Whether NameUpload() has referenced the blob under this live lease.
  virtual absl::StatusOr<bool> IsUpload(std::string_view tenant, std::string_view lease_id,
                                        std::string_view sha256) = 0;

  /// Ends the attempt. A repeat with the same lease id and content gets the first answer.
  ///   - trained: succeeded; the same transaction inserts the adapter "adapters/{id of the job}"
  ///   and,
  ///     if the spec asks for it, queues an evaluation. The newest checkpoint is kept as long as
  ///     JobStoreOptions::retention says.
  ///   - generated: succeeded
  ///   - evaluated: succeeded; the same transaction stores the report with the adapter
  ///   - failure: queued again if it is retryable and the budget of failures (of crashes, if it
  ///     was one) is not spent; otherwise failed
  ///   - released: queued again, without use of a budget
  ///   - cancelled: cancelled; kFailedPrecondition when no cancel was requested
  /// kAborted, reason LEASE_LOST, when the lease has ended; kAborted, reason CANCEL_REQUESTED, for
  /// a success after a cancel. After a cancel, failures and releases end in cancelled.
  /// kInvalidArgument for a missing result or one of the other kind of job.
  virtual absl::StatusOr<v1::Job> Finish(const v1::FinishRequest& finish) = 0;

  /// At most `limit` events with a sequence above `after_sequence`, in order.
  virtual absl::StatusOr<std::vector<v1::Event>> EventsAfter(std::string_view tenant,
                                                             std::string_view job,
                                                             uint64_t after_sequence,
                                                             int limit) = 0;

  /// Ends expired leases: each job is queued again and counts a crash, or fails with reason
  /// WORKER_LOST when the budget of crashes is spent, or is cancelled if its cancel flag is set.
  /// Returns the number of changed jobs.
  virtual absl::StatusOr<int> ReturnExpired() = 0;

  /// Fails queued jobs that waited longer than the queue limit with kDeadlineExceeded, reason
  /// QUEUE_TIMEOUT, and running jobs past their total deadline with reason DEADLINE_PASSED.
  /// Returns the number of changed jobs.
  virtual absl::StatusOr<int> FailOverdue() = 0;

  /// Deletes finished jobs, checkpoints of succeeded trainings and request ids that are older than
  /// JobStoreOptions::retention, a bounded number in a call. Returns the number of jobs, of
  /// trainings whose checkpoint was deleted, and of request ids.
  virtual absl::StatusOr<int> DeleteOld() = 0;

  /// Appends a warning to each queued job whose base model is not among `served`, or not with as
  /// many devices as the job needs, once until it is; at most `limit` jobs in a call. Returns the
  /// number of warned jobs.
  virtual absl::StatusOr<int> WarnUnserved(const std::vector<ServedBaseModel>& served,
                                           int limit) = 0;

  /// Whether this server is to keep house now: it is the leader, or nobody has kept house for
  /// longer than a lease. If nobody has for half a lease, and this server was not there to take
  /// reports, it also calls ExtendLeases(). So leases are extended once after a pause, whichever
  /// server does it, and not by each server that starts.
  virtual absl::StatusOr<bool> KeepsHouse(bool leader) = 0;

  /// Gives every lease one full lease time from now, and ends all waits before a retry.
  virtual absl::Status ExtendLeases() = 0;

  /// By tenant and kind; pairs without queued or running jobs are left out.
  virtual absl::StatusOr<std::vector<QueueCounts>> CountQueue() = 0;
};

}  // namespace vico::server
