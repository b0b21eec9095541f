// The queue: jobs, their events and their leases. Every change of state is one guarded UPDATE with
// its event in the same transaction, and is durable when the call returns OK. `attempt` rises with
// each lease and is the fence: what an older lease says is answered with kAborted and writes
// nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/tracing/trace_context.h"
#include "server/jobs/request_key.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

struct SubmitRequest {
  RequestKey key;    ///< hashed as sent, so that a drawn seed does not change it
  v1::JobSpec spec;  ///< checked, defaults filled in, base model named
  std::vector<v1::Event::Warning> warnings;  ///< each becomes an event, right after `queued`
  TraceContext trace{};                      ///< of the call; kept with the job
};

struct JobQuery {
  std::string tenant;
  int page_size = 50;                           ///< 1..100
  std::string page_token{};                     ///< from the page before; empty for the first
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;  ///< unspecified: any
  std::vector<v1::JobState> states{};           ///< empty: any
};

struct JobPage {
  std::vector<v1::Job> jobs;    ///< newest first
  std::string next_page_token;  ///< empty on the last page
};

struct LeaseQuery {
  std::string worker;
  std::string device;  ///< for the `started` event
  std::string nonce;   ///< 1 or more characters; repeated with the same worker: the same grant
  std::vector<std::string> base_models;  ///< "baseModels/{id}" the worker serves
  int max_jobs = 1;  ///< more than one only ever grants generations on one base model
};

struct Grant {
  std::string tenant;
  std::string lease_id;
  v1::Job job;                    ///< running; `job.attempt()` is the fence
  std::string base_model_digest;  ///< of the base model when it was leased; empty if unregistered
  v1::TrainingCheckpoints checkpoints{};
  std::string worker{};  ///< that was granted the lease
  TraceContext trace{};  ///< as submitted
};

/// Any thread. Errors common to all calls: kUnavailable when the database is away or busy for more
/// than 5 s, kResourceExhausted when its disk is full, kInternal for our own bugs.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Queues a job. The same request id with the same body hash returns the job as it now is; with
  /// another one kFailedPrecondition, reason REQUEST_ID_REUSED. kNotFound when the concept or
  /// adapter that the spec names is not there (any more). kResourceExhausted, reason QUEUE_FULL and
  /// RetryInfo, when the tenant's or the whole queue is full.
  virtual absl::StatusOr<v1::Job> Submit(const SubmitRequest& request) = 0;

  /// The job this request made, as it now is, to be asked before the spec is checked: what that
  /// names may be gone by now. kNotFound when there is none yet; kFailedPrecondition as above.
  virtual absl::StatusOr<v1::Job> FindByRequest(const RequestKey& key) = 0;

  /// kNotFound for another tenant's job, too.
  virtual absl::StatusOr<v1::Job> Get(std::string_view tenant, std::string_view job) = 0;

  /// kInvalidArgument for a page token that is not ours.
  virtual absl::StatusOr<JobPage> List(const JobQuery& query) = 0;

  /// Queued: cancelled at once. Running: sets the flag that the worker hears of with its next
  /// report; from then on the job cannot succeed. In a terminal state, or asked before: no change.
  virtual absl::StatusOr<v1::Job> Cancel(std::string_view tenant, std::string_view job) = 0;

  /// Grants up to `max_jobs`, taking turns between tenants, the oldest first; none when nothing
  /// fits. A tenant with as many running jobs of a kind as it may have waits.
  virtual absl::StatusOr<std::vector<Grant>> Lease(const LeaseQuery& query) = 0;

  /// The grant, if this lease still holds the job; otherwise kAborted, reason LEASE_LOST.
  virtual absl::StatusOr<Grant> FindLease(std::string_view job, std::string_view lease_id) = 0;

  /// Extends the lease and appends the events; a checkpoint among them is kept with the job, and
  /// the one before it. A report number seen before adds nothing; one that leaves a gap is
  /// kInvalidArgument. kAborted, reason LEASE_LOST, when the job is not this lease's any more;
  /// kNotFound for an unknown job. kFailedPrecondition, reason BLOB_MISSING, when an event names a
  /// blob that is not there (any more). Answers CONTINUE or CANCEL.
  virtual absl::StatusOr<v1::Directive> Report(const v1::ReportRequest& report) = 0;

  /// Ends the attempt. The same lease id with the same content gets the first answer again.
  ///   - trained: succeeded; the adapter's row is made in the same transaction: "adapters/{job's
  ///   id}"
  ///   - generated: succeeded
  ///   - failure: queued again while it is retryable and its budget lasts, that of crashes if it
  ///   was
  ///     one; else failed
  ///   - released: queued again, at no cost
  ///   - cancelled: cancelled; kFailedPrecondition when nobody asked for it
  /// kAborted, reason LEASE_LOST, when the job is not this lease's any more; kAborted, reason
  /// CANCEL_REQUESTED, for a success after a cancel. After a cancel, failures and releases end in
  /// cancelled. kInvalidArgument for a result of the other kind of job, or none.
  virtual absl::StatusOr<v1::Job> Finish(const v1::FinishRequest& finish) = 0;

  /// At most `limit` events with a sequence above `after_sequence`, in order.
  virtual absl::StatusOr<std::vector<v1::Event>> EventsAfter(std::string_view tenant,
                                                             std::string_view job,
                                                             uint64_t after_sequence,
                                                             int limit) = 0;

  /// Jobs whose lease has run out are queued again (a crash), or failed with reason WORKER_LOST
  /// when that budget is spent, or cancelled if that was asked for. Returns how many it changed.
  virtual absl::StatusOr<int> ReturnExpired() = 0;

  /// Queued jobs that waited longer than the queue limit fail with kDeadlineExceeded, reason
  /// QUEUE_TIMEOUT; running ones whose total deadline has passed with reason DEADLINE_PASSED.
  /// Returns how many it changed.
  virtual absl::StatusOr<int> FailOverdue() = 0;

  /// Gives every live lease one full lease time from now: after a pause or a restart of the server,
  /// when workers had nobody to report to.
  virtual absl::Status ExtendLeases() = 0;
};

}  // namespace vico::server
