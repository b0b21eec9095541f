#include "server/resources/shown_job.h"

#include "server/jobs/job.h"
#include "server/jobs/picture_names.h"

namespace vico::server {

std::optional<v1::Event::Warning> WhyUnserved(const WorkerRegistry& workers,
                                              const v1::JobSpec& spec) {
  const std::string& base_model = BaseModelOf(spec);
  const int devices = DevicesOf(spec);
  if (workers.IsAvailable(base_model, devices)) return std::nullopt;
  return workers.IsAvailable(base_model) ? NoWorkerWithDevices(base_model, devices)
                                         : BaseModelUnavailable(base_model);
}

v1::Job Shown(const WorkerRegistry& workers, v1::Job job) {
  job.set_base_model_unavailable(job.state() == v1::JOB_STATE_QUEUED &&
                                 WhyUnserved(workers, job.spec()).has_value());
  NamePictures(job);
  return job;
}

v1::Concept Shown(v1::Concept concept_set) {
  NamePictures(concept_set);
  return concept_set;
}

}  // namespace vico::server
