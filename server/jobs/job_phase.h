// The time a job spent in one state, for traces.
#pragma once

#include <functional>
#include <string>

#include <absl/time/time.h>

#include "common/tracing/span.h"
#include "common/tracing/trace_context.h"
#include "server/jobs/job_states.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// A finished phase: the job waited, or a worker held its lease.
struct JobPhase {
  TraceContext trace;                              ///< of the job
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;  ///< queued or running
  JobChange end = JobChange::kSubmit;              ///< what ended it
  std::string job;
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
  int attempt = 0;       ///< of the lease, or the one that the job waited for
  std::string lease_id;  ///< running only
  absl::Time since;      ///< wall clock
  absl::Time until;
};

/// Receives each phase after the change that ended it is durable. Any thread; must not block.
using OnJobPhase = std::function<void(const JobPhase&)>;

/// A span "queued", or "lease" with the span id of LeaseSpan().
Span SpanOf(const JobPhase& phase);

/// The span of a lease, which is the parent of the worker's spans. It is known before the lease
/// ends.
TraceContext LeaseSpan(const TraceContext& trace, std::string_view lease_id);

}  // namespace vico::server
