#include "server/store/evaluation_of_training.h"

#include <limits>
#include <utility>

#include <fmt/format.h>

#include "common/ids.h"
#include "common/status.h"
#include "server/checks/evaluate_spec.h"
#include "server/jobs/job.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {
namespace {

absl::StatusOr<v1::BaseModel> FindBaseModel(SqlSession& db, const std::string& name) {
  absl::StatusOr<v1::BaseModel> found =
      absl::FailedPreconditionError(fmt::format("{}: no worker has offered it", name));
  RETURN_IF_ERROR(db.Query("SELECT message FROM base_model WHERE name = ?",
                           {std::string_view(name)}, [&](const SqlRow& row) {
                             v1::OfferedBaseModel offered;
                             if (!offered.ParseFromString(row.Text(0))) {
                               return absl::DataLossError(
                                   "database: a stored base model cannot be read");
                             }
                             found = std::move(*offered.mutable_base_model());
                             return absl::OkStatus();
                           }));
  return found;
}

}  // namespace

absl::StatusOr<JobRow> EvaluationOf(SqlSession& db, const JobRow& training,
                                    const v1::Adapter& adapter, const NewJobTimes& times) {
  ASSIGN_OR_RETURN(const v1::BaseModel base_model, FindBaseModel(db, adapter.base_model()));
  JobRow row;
  ASSIGN_OR_RETURN(*row.job.mutable_spec()->mutable_evaluate(),
                   CompleteEvaluateSpec({}, adapter, base_model));
  row.tenant = training.tenant;
  row.concept_name = training.job.spec().train().concept_name();
  row.job.set_name(JobName(NewId()));
  row.job.set_display_name(training.job.display_name());
  *row.job.mutable_labels() = training.job.labels();
  ASSIGN_OR_RETURN(const int64_t ahead, JobsAhead(db, std::numeric_limits<int64_t>::max()));
  row.job.set_queue_position(static_cast<uint64_t>(ahead));
  row.queue_until = times.queue_until;
  row.deadline = times.deadline;
  row.trace = training.trace;
  return row;
}

}  // namespace vico::server
