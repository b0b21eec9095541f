// A job's time in one state, as a trace tells of it.
#pragma once

#include <functional>
#include <string>

#include <absl/time/time.h>

#include "common/tracing/span.h"
#include "server/store/job_rows.h"
#include "server/jobs/job_states.h"

namespace vico::server {

/// Has ended: the job waited, or a worker held it.
struct JobPhase {
  TraceContext trace;                              ///< as stored with the job
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;  ///< queued or running
  JobChange end = JobChange::kSubmit;              ///< what ended it
  std::string job;
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
  int attempt = 0;       ///< that it was, or that it waited for
  std::string lease_id;  ///< running only
  absl::Time since;      ///< wall clock
  absl::Time until;
};

/// Told of each phase after the change that ended it is durable. Any thread; must not block.
using OnJobPhase = std::function<void(const JobPhase&)>;

/// By a change of the row from `before` to `after`.
JobPhase PhaseEnded(JobChange end, const JobRow& before, const JobRow& after);

/// "queued", or "lease" whose span id is LeaseSpan's.
Span SpanOf(const JobPhase& phase);

/// What a worker's spans are parts of: the span of its lease, known before that has ended.
TraceContext LeaseSpan(const TraceContext& trace, std::string_view lease_id);

}  // namespace vico::server
