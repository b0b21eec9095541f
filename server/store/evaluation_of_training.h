// The evaluation that the server queues when a training succeeds whose spec asks for it.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/rows/job_rows.h"
#include "server/sql/sql_session.h"
#include "vico/v1/adapter.pb.h"

namespace vico::server {

/// The limits of a new job's wait and of its whole time, in store time.
struct NewJobTimes {
  absl::Time queue_until;
  absl::Time deadline;
};

/// The row of an evaluation of `adapter`, which `training` has made, with the defaults of its base
/// model and the training's name and labels. It is not inserted yet. kFailedPrecondition when the
/// base model is not known, kInvalidArgument when its defaults are not valid.
absl::StatusOr<JobRow> EvaluationOf(SqlSession& db, const JobRow& training,
                                    const v1::Adapter& adapter, const NewJobTimes& times);

}  // namespace vico::server
