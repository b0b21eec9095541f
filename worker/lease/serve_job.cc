#include "worker/lease/serve_job.h"

#include <optional>
#include <utility>

#include "common/tracing/trace_message.h"
#include "worker/job/job_context.h"
#include "worker/job/job_engine.h"
#include "worker/job/reporter.h"
#include "worker/job/run_job.h"
#include "worker/lease/finish_job.h"

namespace vico::worker {
namespace {

Log LogOf(const v1::LeasedJob& job, const TraceContext& trace, const Log& log) {
  Log of_job =
      log.With({{"job", job.job()}, {"lease", job.lease_id()}, {"attempt", job.attempt()}});
  return trace.trace_id.empty() ? of_job : of_job.With({{"trace_id", trace.trace_id}});
}

EngineUse::Length LengthOf(const v1::LeasedJob& job) {
  return job.spec().has_generate() ? EngineUse::Length::kShort : EngineUse::Length::kLong;
}

void Finish(v1::FinishRequest outcome, absl::Duration ttl, uint64_t jitter_seed,
            const ServeTools& tools, const Log& log) {
  const absl::Status finished = FinishJob(std::move(outcome), {.link = tools.link,
                                                               .clock = tools.clock,
                                                               .pause = tools.pause,
                                                               .jitter_seed = jitter_seed,
                                                               .patience = 2 * ttl});
  if (finished.ok()) {
    log.Info("finished");
  } else {
    log.Error("the server refused the end of the job", {{"error", finished.ToString()}});
  }
}

/// The outcome, with what the server said last; nothing if the lease is lost.
std::optional<v1::FinishRequest> Run(const v1::LeasedJob& job, JobContext& context,
                                     const ServeTools& tools, const Log& log) {
  std::optional<v1::FinishRequest> outcome;
  {
    JobEngine engine(tools.engine, tools.use, LengthOf(job), context, log);
    outcome = RunJob(job, engine, context, log);
  }
  if (!outcome) return std::nullopt;
  switch (context.reporter().FlushAndStop()) {
    case Verdict::kLost:
      return std::nullopt;
    case Verdict::kCancel:
      outcome->mutable_cancelled();
      break;
    case Verdict::kDrain:
    case Verdict::kFinish:
    case Verdict::kGoOn:
      break;
  }
  return outcome;
}

}  // namespace

Served ServeJob(const v1::LeasedJob& job, absl::Duration ttl, uint64_t jitter_seed,
                const std::stop_token& stop, const ServeTools& tools) {
  const WorkerOptions& options = tools.options;
  const Tracing tracing{options.spans, FromProto(job.trace())};
  const Log log = LogOf(job, tracing.parent, tools.log);
  log.Info("leased");
  const LeaseKey lease{.job = job.job(), .lease_id = job.lease_id()};
  Reporter::Options reporting{.timing = ReportTiming::ForLease(ttl),
                              .jitter_seed = jitter_seed,
                              .on_hang = options.on_hang,
                              .load = tools.load};
  reporting.timing.hang = options.hang;
  Reporter reporter(tools.link, tools.clock, log, lease, std::move(reporting));
  JobContext context(tools.link, reporter, tools.clock, tools.pause, lease, stop, tracing,
                     options.build_version);
  std::optional<v1::FinishRequest> outcome = Run(job, context, tools, log);
  if (!outcome) {
    log.Warning("job abandoned");
    return Served::kEnded;
  }
  const Served served = outcome->has_released() ? Served::kReleased : Served::kEnded;
  Finish(*std::move(outcome), ttl, jitter_seed, tools, log);
  return served;
}

void GiveBack(const v1::LeasedJob& job, absl::Duration ttl, uint64_t jitter_seed,
              const ServeTools& tools) {
  const Log log = LogOf(job, FromProto(job.trace()), tools.log);
  log.Warning("no room for this job; giving it back");
  v1::FinishRequest released;
  released.set_job(job.job());
  released.set_lease_id(job.lease_id());
  released.mutable_released();
  Finish(std::move(released), ttl, jitter_seed, tools, log);
}

}  // namespace vico::worker
