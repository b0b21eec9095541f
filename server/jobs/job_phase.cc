#include "server/jobs/job_phase.h"

namespace vico::server {

JobPhase PhaseEnded(JobChange end, const JobRow& before, const JobRow& after) {
  const bool waited = before.job.state() == v1::JOB_STATE_QUEUED;
  return {.trace = before.trace,
          .state = before.job.state(),
          .end = end,
          .job = before.job.name(),
          .kind = before.job.kind(),
          .attempt = before.job.attempt() + (waited ? 1 : 0),
          .lease_id = before.lease_id,
          .since = before.state_time,
          .until = after.state_time};
}

Span SpanOf(const JobPhase& phase) {
  const bool waited = phase.state == v1::JOB_STATE_QUEUED;
  const Transition& end = TransitionOf(phase.end);
  return {
      .context = waited ? ChildOf(phase.trace) : LeaseSpan(phase.trace, phase.lease_id),
      .parent_span_id = phase.trace.span_id,
      .name = waited ? "queued" : "lease",
      .begin = phase.since,
      .end = phase.until,
      .attributes = {{"vico.job", phase.job},
                     {"vico.kind", phase.kind == v1::JOB_KIND_TRAINING ? std::string("training")
                                                                       : std::string("generation")},
                     {"vico.attempt", int64_t{phase.attempt}},
                     {"vico.end", std::string(end.name)}},
      .failed = end.to == v1::JOB_STATE_FAILED || end.failures + end.crashes > 0};
}

TraceContext LeaseSpan(const TraceContext& trace, std::string_view lease_id) {
  TraceContext lease = trace;
  lease.span_id = SpanIdFor(lease_id);  // a digest: who sees the span cannot act for the worker
  return lease;
}

}  // namespace vico::server
