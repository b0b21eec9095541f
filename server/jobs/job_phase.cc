#include "server/jobs/job_phase.h"

#include "server/jobs/job_kinds.h"

namespace vico::server {

Span SpanOf(const JobPhase& phase) {
  const bool waited = phase.state == v1::JOB_STATE_QUEUED;
  const Transition& end = TransitionOf(phase.end);
  return {.context = waited ? ChildOf(phase.trace) : LeaseSpan(phase.trace, phase.lease_id),
          .parent_span_id = phase.trace.span_id,
          .name = waited ? "queued" : "lease",
          .begin = phase.since,
          .end = phase.until,
          .attributes = {{"vico.job", phase.job},
                         {"vico.kind", std::string(KindName(phase.kind))},
                         {"vico.attempt", int64_t{phase.attempt}},
                         {"vico.end", std::string(end.name)}},
          .failed = end.to == v1::JOB_STATE_FAILED || end.failures + end.crashes > 0};
}

TraceContext LeaseSpan(const TraceContext& trace, std::string_view lease_id) {
  TraceContext lease = trace;
  // A digest, so that a reader of the trace does not learn the lease id.
  lease.span_id = SpanIdFor(lease_id);
  return lease;
}

}  // namespace vico::server
