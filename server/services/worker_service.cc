#include "server/services/worker_service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/status.h"
#include "common/proto_time.h"
#include "common/tracing/trace_message.h"
#include "server/services/blob_source.h"
#include "server/services/blob_upload.h"
#include "server/jobs/job.h"
#include "server/jobs/job_phase.h"
#include "server/checks/request.h"
#include "server/rpc/answer.h"
#include "server/rpc/client_stream.h"
#include "server/rpc/long_poll.h"
#include "server/rpc/server_stream.h"
#include "server/services/worker_name.h"

namespace vico::server {
namespace {

constexpr std::chrono::milliseconds kLongestPut{600'000};  // of one blob
constexpr uint64_t kBlobChunk = uint64_t{1} << 20;

/// Errors that come back however often the job is leased again.
bool IsLasting(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
         absl::IsInvalidArgument(status) || absl::IsDataLoss(status);
}

}  // namespace

grpc::ServerUnaryReactor* WorkerService::Register(grpc::CallbackServerContext* context,
                                                  const v1::RegisterRequest* request,
                                                  v1::RegisterResponse* response) {
  return Answer(calls_, *context, "Register",
                [this, request, response](const Caller& caller) -> absl::Status {
                  RETURN_IF_ERROR(CheckRegistration(*request));
                  for (int i = 0; i < request->base_models_size(); ++i) {
                    const auto tokenizer = stores_.tokenizers.Get(request->base_models(i));
                    if (absl::IsInvalidArgument(tokenizer.status())) {
                      return FieldError(fmt::format("base_models[{}].vocabulary", i),
                                        ToStd(tokenizer.status().message()));
                    }
                    RETURN_IF_ERROR(tokenizer.status());
                  }
                  v1::RegisterRequest named = *request;
                  named.set_worker(WorkerName(caller, request->worker()));
                  RETURN_IF_ERROR(stores_.catalog.RegisterWorker(named));
                  book_.WorkerBegan(named.worker());
                  workers_.Registered(named);
                  options_.on_registered();
                  *response->mutable_lease_ttl() = ToProto(options_.lease_ttl);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* WorkerService::Lease(grpc::CallbackServerContext* context,
                                               const v1::LeaseRequest* request,
                                               v1::LeaseResponse* response) {
  const absl::Duration wait =
      std::clamp(FromProto(request->wait()), absl::ZeroDuration(), options_.longest_wait);
  return AnswerWhenReady(
      calls_, *context, "Lease", std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(wait),
      [this, request, response](const Caller& caller,
                                std::function<void()> wake) -> absl::StatusOr<Look> {
        RETURN_IF_ERROR(CheckLeaseRequest(*request));
        auto subscription =
            std::make_shared<EventFeed::Subscription>(stores_.feed.WatchQueue(std::move(wake)));
        return [this, request, response, subscription, caller] {
          return TryLease(caller, *request, *response);
        };
      });
}

absl::StatusOr<bool> WorkerService::TryLease(const Caller& caller, const v1::LeaseRequest& request,
                                             v1::LeaseResponse& response) {
  const std::string worker = WorkerName(caller, request.worker());
  RETURN_IF_ERROR(stores_.catalog.WorkerSeen(worker));
  workers_.Heard(worker, request.load());
  ASSIGN_OR_RETURN(const v1::RegisterRequest registered, stores_.catalog.GetWorker(worker));
  LeaseQuery query{.worker = worker,
                   .device = registered.device(),
                   .nonce = request.nonce(),
                   .base_models = {request.base_models().begin(), request.base_models().end()},
                   .max_jobs = std::max(1, request.max_jobs())};
  // What it was granted before a lost answer it is told again; it hands that back at once.
  if (workers_.IsDraining(worker)) query.max_jobs = 0;
  if (query.base_models.empty()) {
    for (const v1::OfferedBaseModel& offered : registered.base_models()) {
      query.base_models.push_back(offered.base_model().name());
    }
  }
  *response.mutable_ttl() = ToProto(options_.lease_ttl);
  ASSIGN_OR_RETURN(const std::vector<Grant> grants, stores_.jobs.Lease(query));
  for (const Grant& grant : grants) {
    caller.call->About(grant.job.name(), grant.lease_id);
    book_.Granted(grant.lease_id, worker);
    workers_.Took(worker, grant.job.name());
    v1::LeasedJob leased;
    const absl::Status filled = FillIn(grant, leased);
    if (filled.ok()) {
      *response.add_jobs() = std::move(leased);
    } else if (IsLasting(filled)) {
      v1::FinishRequest finish;
      finish.set_job(grant.job.name());
      finish.set_lease_id(grant.lease_id);
      *finish.mutable_failure()->mutable_status() = ToProto(filled);
      RETURN_IF_ERROR(stores_.jobs.Finish(finish).status());
      book_.Ended(grant.lease_id);
      workers_.GaveBack(worker, grant.job.name());
    } else {
      return filled;  // the lease runs out, and the job is tried again
    }
  }
  return response.jobs_size() > 0;
}

/// All that a worker needs to know about the job it was granted.
absl::Status WorkerService::FillIn(const Grant& grant, v1::LeasedJob& leased) {
  leased.set_job(grant.job.name());
  leased.set_lease_id(grant.lease_id);
  leased.set_attempt(grant.job.attempt());
  if (!grant.trace.trace_id.empty()) {
    *leased.mutable_trace() = ToProto(LeaseSpan(grant.trace, grant.lease_id));
  }
  *leased.mutable_spec() = grant.job.spec();
  ASSIGN_OR_RETURN(v1::OfferedBaseModel offered,
                   stores_.catalog.GetBaseModel(BaseModelOf(grant.job.spec())));
  *leased.mutable_base_model() = std::move(*offered.mutable_base_model());
  if (grant.job.spec().has_train()) {
    ASSIGN_OR_RETURN(
        const v1::Concept picture_set,
        stores_.catalog.GetConcept(grant.tenant, grant.job.spec().train().concept_name()));
    *leased.mutable_pictures() = picture_set.pictures();
    *leased.mutable_checkpoints() = grant.checkpoints;
  } else if (!grant.job.spec().generate().adapter().empty()) {
    ASSIGN_OR_RETURN(
        *leased.mutable_adapter(),
        stores_.catalog.GetAdapter(grant.tenant, grant.job.spec().generate().adapter()));
    if (leased.adapter().base_model_digest() != leased.base_model().digest()) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   "the adapter was made for another base model than the one now on offer",
                   "BASE_MODEL_DIFFERS");
    }
  }
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* WorkerService::Report(grpc::CallbackServerContext* context,
                                                const v1::ReportRequest* request,
                                                v1::ReportResponse* response) {
  return Answer(calls_, *context, "Report", [this, request, response](const Caller& caller) {
    return DoReport(caller, *request, *response);
  });
}

absl::Status WorkerService::DoReport(const Caller& caller, const v1::ReportRequest& request,
                                     v1::ReportResponse& response) {
  caller.call->About(request.job(), request.lease_id());
  RETURN_IF_ERROR(CheckReport(request));
  for (int i = 0; i < request.events_size(); ++i) {
    RETURN_IF_ERROR(CheckReported(request.events(i), i));
  }
  const absl::StatusOr<Grant> grant = stores_.jobs.FindLease(request.job(), request.lease_id());
  if (!grant.ok()) {
    book_.Ended(request.lease_id());
    return grant.status();
  }
  RETURN_IF_ERROR(CheckHolder(caller, *grant));
  workers_.Heard(grant->worker, request.load());
  workers_.Took(grant->worker, request.job());
  for (const v1::Event& event : request.events()) {
    for (const v1::BlobRef& blob : BlobsNamedBy(event)) {
      RETURN_IF_ERROR(CheckBlob(stores_.blobs, grant->tenant, blob));
    }
  }
  if (const std::string worker = book_.WorkerOf(request.lease_id()); !worker.empty()) {
    // A server that started anew does not know the worker before it registers again; its job goes
    // on.
    stores_.catalog.WorkerSeen(worker).IgnoreError();
  }
  ASSIGN_OR_RETURN(const v1::Directive directive, stores_.jobs.Report(request));
  const bool drain = directive == v1::DIRECTIVE_CONTINUE && workers_.IsDraining(grant->worker);
  response.set_directive(drain ? v1::DIRECTIVE_DRAIN : directive);
  *response.mutable_next_report_in() = ToProto(options_.lease_ttl / 6);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* WorkerService::Finish(grpc::CallbackServerContext* context,
                                                const v1::FinishRequest* request,
                                                v1::FinishResponse* response) {
  return Answer(calls_, *context, "Finish", [this, request, response](const Caller& caller) {
    return DoFinish(caller, *request, *response);
  });
}

absl::Status WorkerService::DoFinish(const Caller& caller, const v1::FinishRequest& request,
                                     v1::FinishResponse& response) {
  caller.call->About(request.job(), request.lease_id());
  if (request.outcome_case() == v1::FinishRequest::OUTCOME_NOT_SET) {
    return FieldError("outcome", "must be given");
  }
  // A lease that is over may still be a repeat of the call that ended it: the store knows.
  const absl::StatusOr<Grant> grant = stores_.jobs.FindLease(request.job(), request.lease_id());
  if (grant.ok()) {
    RETURN_IF_ERROR(CheckHolder(caller, *grant));
    for (const v1::BlobRef& blob : BlobsNamedBy(request)) {
      RETURN_IF_ERROR(CheckBlob(stores_.blobs, grant->tenant, blob));
    }
  } else if (!absl::IsAborted(grant.status()) && !absl::IsNotFound(grant.status())) {
    return grant.status();
  }
  ASSIGN_OR_RETURN(*response.mutable_job(), stores_.jobs.Finish(request));
  book_.Ended(request.lease_id());
  if (grant.ok()) workers_.GaveBack(grant->worker, request.job());
  return absl::OkStatus();
}

/// A worker sees the inputs of the job it holds, and what it put itself; nothing else.
absl::StatusOr<bool> WorkerService::MayRead(const Grant& grant, const v1::GetBlobRequest& request) {
  if (book_.WasPut(request.lease_id(), request.sha256())) return true;
  v1::LeasedJob inputs;
  RETURN_IF_ERROR(FillIn(grant, inputs));
  if (inputs.has_adapter() && (inputs.adapter().blob().sha256() == request.sha256() ||
                               inputs.adapter().reference().sha256() == request.sha256())) {
    return true;
  }
  const auto is_asked_for = [&](const auto& named) {
    return named.blob().sha256() == request.sha256();
  };
  return std::ranges::any_of(inputs.pictures(), is_asked_for) ||
         std::ranges::any_of(inputs.checkpoints().newest_first(), is_asked_for);
}

grpc::ServerWriteReactor<v1::GetBlobResponse>* WorkerService::GetBlob(
    grpc::CallbackServerContext* context, const v1::GetBlobRequest* request) {
  using Source = std::unique_ptr<StreamSource<v1::GetBlobResponse>>;
  return OpenStream<v1::GetBlobResponse>(
      calls_, *context, "GetBlob",
      [this, request](const Caller& caller, std::function<void()>) -> absl::StatusOr<Source> {
        caller.call->About(request->job(), request->lease_id());
        ASSIGN_OR_RETURN(const Grant grant,
                         stores_.jobs.FindLease(request->job(), request->lease_id()));
        RETURN_IF_ERROR(CheckHolder(caller, grant));
        ASSIGN_OR_RETURN(const bool may_read, MayRead(grant, *request));
        if (!may_read) {
          return Error(absl::StatusCode::kPermissionDenied,
                       "sha256: the job does not name this blob", "NOT_NAMED_BY_JOB");
        }
        ASSIGN_OR_RETURN(auto reader, stores_.blobs.Open(grant.tenant, request->sha256()));
        return std::make_unique<BlobSource<v1::GetBlobResponse>>(
            BlobCursor(std::move(reader), kBlobChunk),
            [](BlobCursor::Chunk chunk, v1::GetBlobResponse& response) {
              response.set_data(std::move(chunk.data));
            });
      });
}

grpc::ServerReadReactor<v1::PutBlobRequest>* WorkerService::PutBlob(
    grpc::CallbackServerContext* context, v1::BlobRef* response) {
  return OpenUpload<v1::PutBlobRequest, v1::BlobRef>(
      calls_, *context, "PutBlob", *response,
      [this](const Caller& caller) { return std::make_unique<BlobUpload>(stores_, book_, caller); },
      {.limit = kLongestPut});
}

}  // namespace vico::server
