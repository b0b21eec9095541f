#include "server/services/job_service.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/field_errors.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/checks/job_requests.h"
#include "server/checks/labels.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"
#include "server/resources/input_blobs.h"
#include "server/resources/shown_job.h"
#include "server/rpc/answer.h"
#include "server/rpc/server_stream.h"
#include "server/services/cancel_many.h"
#include "server/watches/job_events.h"
#include "server/watches/jobs_watch.h"

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

/// A creating call: its key, and how the job is shown.
struct Creation {
  RequestKey key;
  std::string display_name{};
  Labels labels{};
};

/// `spec` is what the request asks for. Without display name and labels the key is that of clients
/// which know neither.
template <typename Request>
Creation CreationOf(const Caller& caller, const Request& request, std::string_view method,
                    const google::protobuf::Message& spec) {
  std::string body = spec.SerializeAsString();
  if (!request.display_name().empty()) body += fmt::format("\n{}", request.display_name());
  const std::map<std::string, std::string> labels(request.labels().begin(), request.labels().end());
  for (const auto& [key, value] : labels) body += fmt::format("\n{}={}", key, value);
  return {.key = KeyOf(caller, request.request_id(), method, body),
          .display_name = request.display_name(),
          .labels = request.labels()};
}

/// `check` with the errors of display name and labels. The references must outlive the result.
template <typename Request, typename Check>
auto WithDisplay(const Request& request, const Check& check) {
  return [&request, check]() -> absl::StatusOr<CheckedSpec> {
    FieldErrors errors;
    errors.Add(CheckDisplay(request.display_name(), request.labels()));
    absl::StatusOr<CheckedSpec> checked = check();
    errors.Add(checked.status());
    RETURN_IF_ERROR(errors.status());
    return checked;
  };
}

/// The errors of a creating call: those of the request id and, if it has any, those of the spec.
template <typename Check>
absl::Status CheckIdOfNew(const std::string& request_id, const Check& check) {
  absl::Status id = CheckRequestId("request_id", request_id);
  if (id.ok()) return id;
  FieldErrors errors;
  errors.Add(id);
  errors.Add(check().status());
  return errors.status();
}

/// Binds cursors to the filter that they were made with.
uint32_t ChecksumOf(const v1::JobFilter& filter) {
  const std::string digest = Sha256Hex(filter.SerializeAsString());
  uint32_t checksum = 0;
  std::from_chars(digest.data(), digest.data() + 8, checksum, 16);
  return checksum;
}

/// The cursor of a request, if it has one. A cursor is valid for an hour, since a stream that
/// continues sends all that has ended meanwhile.
absl::StatusOr<std::optional<WatchCursor>> CursorOf(const v1::WatchJobsRequest& request,
                                                    absl::Time now) {
  constexpr absl::Duration kValid = absl::Hours(1);
  if (request.cursor().empty()) return std::nullopt;
  ASSIGN_OR_RETURN(WatchCursor cursor, ReadCursor(request.cursor()));
  if (cursor.filter != ChecksumOf(request.filter())) {
    return FieldError("cursor", "belongs to a stream with another filter");
  }
  if (cursor.time < now - kValid || cursor.time > now + kValid) {
    return WithReason(FieldError("cursor", "is too old: start again without one"),
                      "CURSOR_EXPIRED");
  }
  return cursor;
}

/// The spec that `check` returns, when all that it names is stored.
template <typename Check>
absl::StatusOr<CheckedSpec> CheckWithInputs(Stores& stores, std::string_view tenant,
                                            const Check& check) {
  ASSIGN_OR_RETURN(CheckedSpec checked, check());
  v1::LeasedJob inputs;
  RETURN_IF_ERROR(FillInputs(stores.catalog, tenant, checked.spec, inputs));
  SetPictures(checked.pictures, inputs);
  RETURN_IF_ERROR(CheckInputBlobs(stores.blobs, tenant, inputs));
  return checked;
}

/// Submits a new request after `check`. A repeat gets the job of the first request, unchecked.
template <typename Check>
absl::StatusOr<v1::Job> SubmitOnce(Stores& stores, CallNotes& call, const Creation& creation,
                                   const Check& check) {
  const RequestKey& key = creation.key;
  absl::StatusOr<v1::Job> job = stores.jobs.FindByRequest(key);
  if (Reason(job.status()) == "REQUEST_IS_NEW") {
    RETURN_IF_ERROR(stores.admission.Submit(key.tenant));
    ASSIGN_OR_RETURN(CheckedSpec checked, CheckWithInputs(stores, key.tenant, check));
    const auto unserved = WhyUnserved(stores.workers, checked.spec);
    if (unserved) checked.warnings.push_back(*unserved);
    job = stores.jobs.Submit({.key = key,
                              .spec = std::move(checked.spec),
                              .warnings = std::move(checked.warnings),
                              .trace = call.trace,
                              .base_model_missing = unserved.has_value(),
                              .pictures = std::move(checked.pictures),
                              .display_name = creation.display_name,
                              .labels = creation.labels});
  }
  if (!job.ok()) return job;
  call.About(job->name());
  return Shown(stores.workers, *std::move(job));
}

/// The answer to validate_only: the job that would be queued, without name and state.
template <typename Request>
v1::Job Draft(const WorkerRegistry& workers, const Request& request, CheckedSpec checked) {
  v1::Job job;
  job.set_display_name(request.display_name());
  *job.mutable_labels() = request.labels();
  job.set_base_model_unavailable(WhyUnserved(workers, checked.spec).has_value());
  job.set_kind(KindOf(checked.spec));
  *job.mutable_spec() = std::move(checked.spec);
  return job;
}

/// The answer of a creating call, whose request has the fields of CreateEvaluationJobRequest.
/// `asked` is what the request asks for.
template <typename Request, typename Check>
absl::StatusOr<v1::Job> CreateOrDraft(Stores& stores, const Caller& caller, const Request& request,
                                      std::string_view method,
                                      const google::protobuf::Message& asked, const Check& check) {
  if (!request.validate_only() || !request.request_id().empty()) {
    RETURN_IF_ERROR(CheckIdOfNew(request.request_id(), check));
  }
  if (request.validate_only()) {
    ASSIGN_OR_RETURN(CheckedSpec checked, CheckWithInputs(stores, caller.tenant, check));
    return Draft(stores.workers, request, std::move(checked));
  }
  return SubmitOnce(stores, *caller.call, CreationOf(caller, request, method, asked), check);
}

}  // namespace

grpc::ServerUnaryReactor* JobService::CreateTrainingJob(grpc::CallbackServerContext* context,
                                                        const v1::CreateTrainingJobRequest* request,
                                                        v1::Job* job) {
  return Answer(
      calls_, *context, "CreateTrainingJob", {*request, *job},
      [this, request, job](const Caller& caller) -> absl::Status {
        const auto check =
            WithDisplay(*request, [&] { return specs_.Train(caller.tenant, request->train()); });
        ASSIGN_OR_RETURN(*job, CreateOrDraft(stores_, caller, *request, "CreateTrainingJob",
                                             request->train(), check));
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* JobService::CreateEvaluationJob(
    grpc::CallbackServerContext* context, const v1::CreateEvaluationJobRequest* request,
    v1::Job* job) {
  return Answer(
      calls_, *context, "CreateEvaluationJob", {*request, *job},
      [this, request, job](const Caller& caller) -> absl::Status {
        const auto check = WithDisplay(
            *request, [&] { return specs_.Evaluate(caller.tenant, request->evaluate()); });
        ASSIGN_OR_RETURN(*job, CreateOrDraft(stores_, caller, *request, "CreateEvaluationJob",
                                             request->evaluate(), check));
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* JobService::ContinueTraining(grpc::CallbackServerContext* context,
                                                       const v1::ContinueTrainingRequest* request,
                                                       v1::Job* job) {
  return Answer(calls_, *context, "ContinueTraining", {*request, *job},
                [this, request, job](const Caller& caller) -> absl::Status {
                  const auto check = WithDisplay(
                      *request, [&] { return specs_.Continue(caller.tenant, *request); });
                  v1::ContinueTrainingRequest asked;
                  asked.set_adapter(request->adapter());
                  asked.set_steps(request->steps());
                  ASSIGN_OR_RETURN(*job, CreateOrDraft(stores_, caller, *request,
                                                       "ContinueTraining", asked, check));
                  return absl::OkStatus();
                });
}

/// CreateGenerationJob and Generate share request ids: a client may repeat one as the other.
absl::StatusOr<v1::Job> JobService::SubmitGeneration(
    const Caller& caller, const v1::CreateGenerationJobRequest& request) {
  const auto check =
      WithDisplay(request, [&] { return specs_.Generate(caller.tenant, request.generate()); });
  RETURN_IF_ERROR(CheckIdOfNew(request.request_id(), check));
  const Creation creation = CreationOf(caller, request, "CreateGenerationJob", request.generate());
  return SubmitOnce(stores_, *caller.call, creation, check);
}

grpc::ServerUnaryReactor* JobService::CreateGenerationJob(
    grpc::CallbackServerContext* context, const v1::CreateGenerationJobRequest* request,
    v1::Job* job) {
  return Answer(
      calls_, *context, "CreateGenerationJob", {*request, *job},
      [this, request, job](const Caller& caller) -> absl::Status {
        if (request->validate_only()) {
          const auto check = WithDisplay(
              *request, [&] { return specs_.Generate(caller.tenant, request->generate()); });
          ASSIGN_OR_RETURN(CheckedSpec checked, CheckWithInputs(stores_, caller.tenant, check));
          *job = Draft(stores_.workers, *request, std::move(checked));
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
      {.limit = options_.generate_limit,
       .tick = std::min(options_.poll, options_.bookmark),
       .place = Place::kPictures});
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
                  JobQuery query;
                  query.tenant = caller.tenant;
                  query.page_token = request->page_token();
                  ASSIGN_OR_RETURN(query.filter, CheckListJobs(*request));
                  ASSIGN_OR_RETURN(query.page_size, CheckPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(JobPage page, stores_.jobs.List(query));
                  for (v1::Job& job : page.jobs) {
                    *response->add_jobs() = Shown(stores_.workers, std::move(job));
                  }
                  response->set_next_page_token(std::move(page.next_page_token));
                  response->set_total_size(static_cast<int32_t>(page.total_size));
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
      {.limit = options_.watch_limit,
       .tick = std::min(options_.poll, options_.bookmark),
       .place = request->include_pictures() ? Place::kPictures : Place::kStream});
}

grpc::ServerWriteReactor<v1::WatchJobsResponse>* JobService::WatchJobs(
    grpc::CallbackServerContext* context, const v1::WatchJobsRequest* request) {
  using Source = std::unique_ptr<StreamSource<v1::WatchJobsResponse>>;
  return OpenStream<v1::WatchJobsResponse>(
      calls_, *context, "WatchJobs",
      [this, request](const Caller& caller,
                      const std::function<void()>& wake) -> absl::StatusOr<Source> {
        constexpr int kInitialJobs = 100;
        ASSIGN_OR_RETURN(JobFilter filter, CheckWatchJobs(*request));
        ASSIGN_OR_RETURN(std::optional<WatchCursor> cursor, CursorOf(*request, clock_.Now()));
        ASSIGN_OR_RETURN(auto watch, stores_.admission.OpenWatch(caller.tenant));
        const int wanted = request->initial_jobs();
        JobsWatchOptions options{
            .tenant = caller.tenant,
            .filter = std::move(filter),
            .filter_checksum = ChecksumOf(request->filter()),
            .cursor = std::move(cursor),
            .initial_jobs = wanted == 0 ? kInitialJobs : wanted,
            .bookmark = options_.bookmark,
            .poll = options_.poll,
            .watch = std::move(watch),
            .wake_at = [&pool = calls_.pool(), wake](Pool::Time when) { pool.PostAt(when, wake); }};
        return std::make_unique<JobsWatch>(stores_, clock_, std::move(options), wake);
      },
      {.limit = options_.watch_limit, .tick = std::min(options_.poll, options_.bookmark)});
}

grpc::ServerUnaryReactor* JobService::UpdateJob(grpc::CallbackServerContext* context,
                                                const v1::UpdateJobRequest* request, v1::Job* job) {
  return Answer(calls_, *context, "UpdateJob", {*request, *job},
                [this, request, job](const Caller& caller) -> absl::Status {
                  const v1::Job& wanted = request->job();
                  const absl::StatusOr<ResourceUpdate> update = CheckUpdate(
                      "job", wanted.display_name(), wanted.labels(), request->update_mask());
                  FieldErrors errors;
                  errors.Add(IdInName("job.name", "jobs", wanted.name()).status());
                  errors.Add(update.status());
                  RETURN_IF_ERROR(errors.status());
                  caller.call->About(wanted.name());
                  ASSIGN_OR_RETURN(v1::Job updated,
                                   stores_.jobs.Update(caller.tenant, wanted.name(), *update));
                  *job = Shown(stores_.workers, std::move(updated));
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* JobService::CancelJobs(grpc::CallbackServerContext* context,
                                                 const v1::CancelJobsRequest* request,
                                                 v1::CancelJobsResponse* response) {
  return Answer(calls_, *context, "CancelJobs", {*request, *response},
                [this, request, response](const Caller& caller) -> absl::Status {
                  ASSIGN_OR_RETURN(const JobFilter filter, CheckCancelJobs(*request));
                  return CancelMany(stores_.jobs, caller.tenant, *request, filter, *response);
                });
}

grpc::ServerUnaryReactor* JobService::FinishTraining(grpc::CallbackServerContext* context,
                                                     const v1::FinishTrainingRequest* request,
                                                     v1::Job* job) {
  return Answer(calls_, *context, "FinishTraining", {*request, *job},
                [this, request, job](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckJobName(request->name()));
                  caller.call->About(request->name());
                  ASSIGN_OR_RETURN(v1::Job asked,
                                   stores_.jobs.AskToFinish(caller.tenant, request->name()));
                  *job = Shown(stores_.workers, std::move(asked));
                  return absl::OkStatus();
                });
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
        Creation creation{.key = KeyOf(caller, request->request_id(), "RetryJob", request->name())};
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
          creation.display_name = old.display_name();
          creation.labels = old.labels();
          ASSIGN_OR_RETURN(const JobPictures kept,
                           stores_.pictures.FindInputs(caller.tenant, old.name()));
          return specs_.Either(caller.tenant, old.spec(), kept);
        };
        ASSIGN_OR_RETURN(*job, SubmitOnce(stores_, *caller.call, creation, check));
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
