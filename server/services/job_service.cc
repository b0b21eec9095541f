#include "server/services/job_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/ids.h"
#include "common/sha256.h"
#include "common/status.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"
#include "server/rpc/answer.h"
#include "server/rpc/server_stream.h"
#include "server/services/input_blobs.h"
#include "server/services/job_events.h"

namespace vico::server {
namespace {

using WatchSource = std::unique_ptr<StreamSource<v1::WatchJobResponse>>;

absl::Status CheckJobName(const std::string& name) {
  return IdInName("name", "jobs", name).status();
}

RequestKey KeyOf(const Caller& caller, const std::string& request_id, std::string_view method,
                 const std::string& body) {
  return {.tenant = caller.tenant,
          .request_id = request_id,
          .body_hash = Sha256Hex(fmt::format("{}\n{}", method, body))};
}

/// Fills in what the registry of workers knows of a job.
v1::Job Shown(const WorkerRegistry& workers, v1::Job job) {
  job.set_base_model_unavailable(job.state() == v1::JOB_STATE_QUEUED &&
                                 !workers.IsAvailable(BaseModelOf(job.spec())));
  return job;
}

/// The spec that `check` returns, when all that it names is stored.
template <typename Check>
absl::StatusOr<CheckedSpec> CheckWithInputs(Stores& stores, std::string_view tenant,
                                            const Check& check) {
  ASSIGN_OR_RETURN(CheckedSpec checked, check());
  v1::LeasedJob inputs;
  RETURN_IF_ERROR(FillInputs(stores.catalog, tenant, checked.spec, inputs));
  RETURN_IF_ERROR(CheckInputBlobs(stores.blobs, tenant, inputs));
  return checked;
}

/// Submits a new request after `check`. A repeat gets the job of the first request, unchecked.
template <typename Check>
absl::StatusOr<v1::Job> SubmitOnce(Stores& stores, CallNotes& call, const RequestKey& key,
                                   const Check& check) {
  absl::StatusOr<v1::Job> job = stores.jobs.FindByRequest(key);
  if (Reason(job.status()) == "REQUEST_IS_NEW") {
    RETURN_IF_ERROR(stores.admission.Submit(key.tenant));
    ASSIGN_OR_RETURN(CheckedSpec checked, CheckWithInputs(stores, key.tenant, check));
    const std::string& base_model = BaseModelOf(checked.spec);
    const bool missing = !stores.workers.IsAvailable(base_model);
    if (missing) checked.warnings.push_back(BaseModelUnavailable(base_model));
    job = stores.jobs.Submit({.key = key,
                              .spec = std::move(checked.spec),
                              .warnings = std::move(checked.warnings),
                              .trace = call.trace,
                              .base_model_missing = missing});
  }
  if (!job.ok()) return job;
  call.About(job->name());
  return Shown(stores.workers, *std::move(job));
}

/// The answer to validate_only: the job that would be queued, without name and state.
v1::Job Draft(const WorkerRegistry& workers, CheckedSpec checked) {
  v1::Job job;
  job.set_base_model_unavailable(!workers.IsAvailable(BaseModelOf(checked.spec)));
  job.set_kind(KindOf(checked.spec));
  *job.mutable_spec() = std::move(checked.spec);
  return job;
}

}  // namespace

grpc::ServerUnaryReactor* JobService::CreateTrainingJob(grpc::CallbackServerContext* context,
                                                        const v1::CreateTrainingJobRequest* request,
                                                        v1::Job* job) {
  return Answer(calls_, *context, "CreateTrainingJob", {*request, *job},
                [this, request, job](const Caller& caller) -> absl::Status {
                  if (!request->validate_only() || !request->request_id().empty()) {
                    RETURN_IF_ERROR(CheckRequestId("request_id", request->request_id()));
                  }
                  const auto check = [&] { return specs_.Train(caller.tenant, request->train()); };
                  if (request->validate_only()) {
                    ASSIGN_OR_RETURN(CheckedSpec checked,
                                     CheckWithInputs(stores_, caller.tenant, check));
                    *job = Draft(stores_.workers, std::move(checked));
                    return absl::OkStatus();
                  }
                  const RequestKey key = KeyOf(caller, request->request_id(), "CreateTrainingJob",
                                               request->train().SerializeAsString());
                  ASSIGN_OR_RETURN(*job, SubmitOnce(stores_, *caller.call, key, check));
                  return absl::OkStatus();
                });
}

/// CreateGenerationJob and Generate share request ids: a client may repeat one as the other.
absl::StatusOr<v1::Job> JobService::SubmitGeneration(
    const Caller& caller, const v1::CreateGenerationJobRequest& request) {
  RETURN_IF_ERROR(CheckRequestId("request_id", request.request_id()));
  const RequestKey key = KeyOf(caller, request.request_id(), "CreateGenerationJob",
                               request.generate().SerializeAsString());
  return SubmitOnce(stores_, *caller.call, key,
                    [&] { return specs_.Generate(caller.tenant, request.generate()); });
}

grpc::ServerUnaryReactor* JobService::CreateGenerationJob(
    grpc::CallbackServerContext* context, const v1::CreateGenerationJobRequest* request,
    v1::Job* job) {
  return Answer(
      calls_, *context, "CreateGenerationJob", {*request, *job},
      [this, request, job](const Caller& caller) -> absl::Status {
        if (request->validate_only()) {
          const auto check = [&] { return specs_.Generate(caller.tenant, request->generate()); };
          ASSIGN_OR_RETURN(CheckedSpec checked, CheckWithInputs(stores_, caller.tenant, check));
          *job = Draft(stores_.workers, std::move(checked));
          return absl::OkStatus();
        }
        ASSIGN_OR_RETURN(*job, SubmitGeneration(caller, *request));
        return absl::OkStatus();
      });
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobService::Generate(
    grpc::CallbackServerContext* context, const v1::CreateGenerationJobRequest* request) {
  return OpenStream<v1::WatchJobResponse>(
      calls_, *context, "Generate",
      [this, request](const Caller& caller,
                      std::function<void()> wake) -> absl::StatusOr<WatchSource> {
        if (request->validate_only()) {
          return FieldError("validate_only", "is for CreateGenerationJob");
        }
        ASSIGN_OR_RETURN(auto watch, stores_.admission.OpenWatch(caller.tenant));
        ASSIGN_OR_RETURN(const v1::Job job, SubmitGeneration(caller, *request));
        return std::make_unique<JobEvents>(stores_,
                                           JobEventsOptions{.tenant = caller.tenant,
                                                            .job = job.name(),
                                                            .include_pictures = true,
                                                            .announce = true,
                                                            .bookmark = options_.bookmark,
                                                            .watch = std::move(watch)},
                                           std::move(wake));
      },
      {.limit = options_.generate_limit, .tick = std::min(options_.poll, options_.bookmark)});
}

grpc::ServerUnaryReactor* JobService::GetJob(grpc::CallbackServerContext* context,
                                             const v1::GetJobRequest* request, v1::Job* job) {
  return Answer(calls_, *context, "GetJob", {*request, *job},
                [this, request, job](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckJobName(request->name()));
                  caller.call->About(request->name());
                  ASSIGN_OR_RETURN(v1::Job found, stores_.jobs.Get(caller.tenant, request->name()));
                  *job = Shown(stores_.workers, std::move(found));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* JobService::ListJobs(grpc::CallbackServerContext* context,
                                               const v1::ListJobsRequest* request,
                                               v1::ListJobsResponse* response) {
  return Answer(calls_, *context, "ListJobs", {*request, *response},
                [this, request, response](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckListJobs(*request));
                  JobQuery query;
                  query.tenant = caller.tenant;
                  query.page_token = request->page_token();
                  query.kind = request->kind();
                  ASSIGN_OR_RETURN(query.page_size, CheckPageSize(request->page_size()));
                  for (const int state : request->states()) {
                    query.states.push_back(static_cast<v1::JobState>(state));
                  }
                  ASSIGN_OR_RETURN(JobPage page, stores_.jobs.List(query));
                  for (v1::Job& job : page.jobs) {
                    *response->add_jobs() = Shown(stores_.workers, std::move(job));
                  }
                  response->set_next_page_token(std::move(page.next_page_token));
                  return absl::OkStatus();
                });
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobService::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  return OpenStream<v1::WatchJobResponse>(
      calls_, *context, "WatchJob",
      [this, request](const Caller& caller,
                      std::function<void()> wake) -> absl::StatusOr<WatchSource> {
        RETURN_IF_ERROR(CheckJobName(request->name()));
        caller.call->About(request->name());
        RETURN_IF_ERROR(stores_.jobs.Get(caller.tenant, request->name()).status());
        ASSIGN_OR_RETURN(auto watch, stores_.admission.OpenWatch(caller.tenant));
        return std::make_unique<JobEvents>(
            stores_,
            JobEventsOptions{.tenant = caller.tenant,
                             .job = request->name(),
                             .after_sequence = request->after_sequence(),
                             .include_pictures = request->include_pictures(),
                             .bookmark = options_.bookmark,
                             .watch = std::move(watch)},
            std::move(wake));
      },
      {.limit = options_.watch_limit, .tick = std::min(options_.poll, options_.bookmark)});
}

grpc::ServerUnaryReactor* JobService::CancelJob(grpc::CallbackServerContext* context,
                                                const v1::CancelJobRequest* request, v1::Job* job) {
  return Answer(calls_, *context, "CancelJob", {*request, *job},
                [this, request, job](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckJobName(request->name()));
                  caller.call->About(request->name());
                  ASSIGN_OR_RETURN(v1::Job cancelled,
                                   stores_.jobs.Cancel(caller.tenant, request->name()));
                  *job = Shown(stores_.workers, std::move(cancelled));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* JobService::RetryJob(grpc::CallbackServerContext* context,
                                               const v1::RetryJobRequest* request, v1::Job* job) {
  return Answer(
      calls_, *context, "RetryJob", {*request, *job},
      [this, request, job](const Caller& caller) -> absl::Status {
        RETURN_IF_ERROR(CheckJobName(request->name()));
        RETURN_IF_ERROR(CheckRequestId("request_id", request->request_id()));
        // Of a new request only: a repeat is valid even if the old job has been deleted.
        const auto check = [&]() -> absl::StatusOr<CheckedSpec> {
          ASSIGN_OR_RETURN(const v1::Job old, stores_.jobs.Get(caller.tenant, request->name()));
          if (old.state() != v1::JOB_STATE_FAILED && old.state() != v1::JOB_STATE_CANCELLED) {
            return Error(
                absl::StatusCode::kFailedPrecondition,
                fmt::format("name: only a failed or cancelled job can be tried again; {} is {}",
                            old.name(), StateName(old.state())),
                "NOT_RETRYABLE");
          }
          return specs_.Either(caller.tenant, old.spec());
        };
        const RequestKey key = KeyOf(caller, request->request_id(), "RetryJob", request->name());
        ASSIGN_OR_RETURN(*job, SubmitOnce(stores_, *caller.call, key, check));
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* JobService::DeleteJob(grpc::CallbackServerContext* context,
                                                const v1::DeleteJobRequest* request,
                                                google::protobuf::Empty* response) {
  return Answer(calls_, *context, "DeleteJob", {*request, *response},
                [this, request](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckJobName(request->name()));
                  caller.call->About(request->name());
                  return stores_.jobs.Delete(caller.tenant, request->name());
                });
}

}  // namespace vico::server
