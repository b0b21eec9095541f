#include "server/services/worker_service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/proto_time.h"
#include "common/status.h"
#include "common/tracing/trace_message.h"
#include "server/checks/base_model_fit.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"
#include "server/jobs/job_phase.h"
#include "server/resources/blob_source.h"
#include "server/resources/lost_blob.h"
#include "server/resources/training_losses.h"
#include "server/resources/worker_name.h"
#include "server/rpc/answer.h"
#include "server/rpc/client_stream.h"
#include "server/rpc/long_poll.h"
#include "server/rpc/server_stream.h"
#include "server/uploads/blob_upload.h"

namespace vico::server {
namespace {

constexpr std::chrono::milliseconds kPutLimit{600'000};  // of one blob
constexpr uint64_t kBlobChunk = uint64_t{256} << 10;

/// Whether the error would occur with every lease of the job.
bool IsPermanent(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
         absl::IsInvalidArgument(status) || absl::IsDataLoss(status);
}

/// The base models of which the worker asks for jobs: those of the request, or all it registered.
std::vector<std::string> ServedBy(const v1::LeaseRequest& request, const StoredWorker& worker) {
  std::vector<std::string> names(request.base_models().begin(), request.base_models().end());
  if (!names.empty()) return names;
  for (const v1::OfferedBaseModel& offered : worker.registration.base_models()) {
    names.push_back(offered.base_model().name());
  }
  return names;
}

}  // namespace

grpc::ServerUnaryReactor* WorkerService::Register(grpc::CallbackServerContext* context,
                                                  const v1::RegisterRequest* request,
                                                  v1::RegisterResponse* response) {
  return Answer(calls_, *context, "Register", {*request, *response},
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
                  RETURN_IF_ERROR(stores_.workers.Register(named));
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
                                const std::function<void()>& wake) -> absl::StatusOr<Poll> {
        RETURN_IF_ERROR(CheckLeaseRequest(*request));
        ASSIGN_OR_RETURN(const StoredWorker worker,
                         stores_.workers.Registered(WorkerName(caller, request->worker())));
        auto subscriptions = std::make_shared<std::vector<EventFeed::Subscription>>();
        for (const std::string& base_model : ServedBy(*request, worker)) {
          subscriptions->push_back(stores_.feed.WatchQueue(base_model, wake));
        }
        return [this, request, response, subscriptions, caller] {
          return TryLease(caller, *request, *response);
        };
      },
      options_.poll);
}

absl::StatusOr<bool> WorkerService::TryLease(const Caller& caller, const v1::LeaseRequest& request,
                                             v1::LeaseResponse& response) {
  const std::string name = WorkerName(caller, request.worker());
  ASSIGN_OR_RETURN(const StoredWorker worker, stores_.workers.Registered(name));
  stores_.workers.RecordContact(name, request.load());
  LeaseQuery query{.worker = name,
                   .device = worker.registration.device(),
                   .nonce = request.nonce(),
                   .base_models = ServedBy(request, worker),
                   .max_jobs = std::max(1, request.max_jobs()),
                   .devices = std::max(1, request.devices())};
  for (const int kind : request.kinds()) query.kinds.insert(static_cast<v1::JobKind>(kind));
  // A draining worker still gets the grants of a lost answer, and returns those jobs at once.
  if (worker.draining) query.max_jobs = 0;
  *response.mutable_ttl() = ToProto(options_.lease_ttl);
  ASSIGN_OR_RETURN(const std::vector<Grant> grants, stores_.jobs.Lease(query));
  for (const Grant& grant : grants) {
    caller.call->About(grant.job.name(), grant.lease_id);
    v1::LeasedJob leased;
    absl::Status filled = FillIn(grant, leased);
    if (filled.ok() && leased.spec().has_evaluate()) {
      filled = FillLosses(stores_.jobs, grant.tenant, leased);
    }
    if (filled.ok()) filled = CheckInputBlobs(stores_.blobs, grant.tenant, leased);
    if (filled.ok()) {
      *response.add_jobs() = std::move(leased);
    } else if (IsPermanent(filled)) {
      v1::FinishRequest finish;
      finish.set_job(grant.job.name());
      finish.set_lease_id(grant.lease_id);
      *finish.mutable_failure()->mutable_status() = ToProto(filled);
      RETURN_IF_ERROR(stores_.jobs.Finish(finish).status());
    } else {
      return filled;  // the lease expires, and the job is leased again
    }
  }
  return response.jobs_size() > 0;
}

/// Fills in everything that the worker needs for the job.
absl::Status WorkerService::FillIn(const Grant& grant, v1::LeasedJob& leased) {
  leased.set_job(grant.job.name());
  leased.set_lease_id(grant.lease_id);
  leased.set_attempt(grant.job.attempt());
  if (!grant.trace.trace_id.empty()) {
    *leased.mutable_trace() = ToProto(LeaseSpan(grant.trace, grant.lease_id));
  }
  ASSIGN_OR_RETURN(v1::OfferedBaseModel offered,
                   stores_.workers.GetBaseModel(BaseModelOf(grant.job.spec())));
  *leased.mutable_base_model() = std::move(*offered.mutable_base_model());
  RETURN_IF_ERROR(FillInputs(stores_.catalog, grant.tenant, grant.job.spec(), leased));
  SetPictures(grant.pictures, leased);
  if (leased.spec().has_train()) *leased.mutable_checkpoints() = grant.checkpoints;
  if (!leased.has_adapter() ||
      leased.adapter().base_model_digest() == leased.base_model().digest()) {
    return absl::OkStatus();
  }
  // It was checked when the job was created; the base model may be another one now.
  ASSIGN_OR_RETURN(const std::vector<v1::OfferedBaseModel> known, stores_.workers.ListBaseModels());
  return FitOfBaseModel(leased.adapter(), leased.base_model(), known).status();
}

grpc::ServerUnaryReactor* WorkerService::Report(grpc::CallbackServerContext* context,
                                                const v1::ReportRequest* request,
                                                v1::ReportResponse* response) {
  return Answer(calls_, *context, "Report", {*request, *response},
                [this, request, response](const Caller& caller) {
                  return DoReport(caller, *request, *response);
                });
}

/// The worker that holds the lease. kAborted or kNotFound when the lease has ended.
absl::StatusOr<std::string> WorkerService::HolderOf(const std::string& job,
                                                    const std::string& lease_id) {
  if (const auto lease = stores_.leases.Find(lease_id)) return lease->worker;
  // Leased by another server, or before this one started.
  ASSIGN_OR_RETURN(const Grant grant, stores_.jobs.FindLease(job, lease_id));
  stores_.leases.Add(grant);
  return grant.worker;
}

absl::Status WorkerService::DoReport(const Caller& caller, const v1::ReportRequest& request,
                                     v1::ReportResponse& response) {
  caller.call->About(request.job(), request.lease_id());
  RETURN_IF_ERROR(CheckReport(request));
  ASSIGN_OR_RETURN(const std::string worker, HolderOf(request.job(), request.lease_id()));
  RETURN_IF_ERROR(CheckHolder(caller, worker, request.job()));
  stores_.workers.RecordContact(worker, request.load());
  const absl::StatusOr<v1::Directive> directive = stores_.jobs.Report(WithPlainTexts(request));
  if (Reason(directive.status()) == "LEASE_LOST") stores_.leases.Remove(request.lease_id());
  if (!directive.ok()) return directive.status();
  const bool drain = *directive == v1::DIRECTIVE_CONTINUE && stores_.workers.IsDraining(worker);
  response.set_directive(drain ? v1::DIRECTIVE_DRAIN : *directive);
  *response.mutable_next_report_in() = ToProto(options_.lease_ttl / 6);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* WorkerService::Finish(grpc::CallbackServerContext* context,
                                                const v1::FinishRequest* request,
                                                v1::FinishResponse* response) {
  return Answer(calls_, *context, "Finish", {*request, *response},
                [this, request, response](const Caller& caller) {
                  return DoFinish(caller, *request, *response);
                });
}

absl::Status WorkerService::DoFinish(const Caller& caller, const v1::FinishRequest& request,
                                     v1::FinishResponse& response) {
  caller.call->About(request.job(), request.lease_id());
  RETURN_IF_ERROR(CheckFinish(request));
  const absl::StatusOr<std::string> holder = HolderOf(request.job(), request.lease_id());
  // After the end of the lease this may be a repeat of the call that ended it, which the store
  // knows.
  if (holder.ok()) {
    RETURN_IF_ERROR(CheckHolder(caller, *holder, request.job()));
  } else if (!absl::IsAborted(holder.status()) && !absl::IsNotFound(holder.status())) {
    return holder.status();
  }
  absl::StatusOr<v1::Job> job = stores_.jobs.Finish(request);
  if (Reason(job.status()) == "LEASE_LOST") stores_.leases.Remove(request.lease_id());
  if (!job.ok()) return job.status();
  *response.mutable_job() = *std::move(job);
  return absl::OkStatus();
}

/// A worker may read the inputs of the job that it holds and the blobs that it uploaded for it.
absl::StatusOr<InputBlob> WorkerService::Readable(const Grant& grant,
                                                  const v1::GetBlobRequest& request) {
  ASSIGN_OR_RETURN(const bool uploaded,
                   stores_.jobs.IsUpload(grant.tenant, request.lease_id(), request.sha256()));
  if (uploaded) {
    return InputBlob{.blob = {}, .what = request.job(), .repair = "store it again"};
  }
  v1::LeasedJob inputs;
  RETURN_IF_ERROR(FillIn(grant, inputs));
  for (InputBlob& input : InputBlobsOf(inputs)) {
    if (input.blob.sha256() == request.sha256()) return std::move(input);
  }
  return Error(absl::StatusCode::kPermissionDenied, "sha256: the job does not reference this blob",
               "NOT_NAMED_BY_JOB");
}

grpc::ServerWriteReactor<v1::GetBlobResponse>* WorkerService::GetBlob(
    grpc::CallbackServerContext* context, const v1::GetBlobRequest* request) {
  using Source = std::unique_ptr<StreamSource<v1::GetBlobResponse>>;
  return OpenStream<v1::GetBlobResponse>(
      calls_, *context, "GetBlob",
      [this, request](const Caller& caller,
                      const std::function<void()>&) -> absl::StatusOr<Source> {
        caller.call->About(request->job(), request->lease_id());
        ASSIGN_OR_RETURN(const Grant grant,
                         stores_.jobs.FindLease(request->job(), request->lease_id()));
        RETURN_IF_ERROR(CheckHolder(caller, grant.worker, request->job()));
        ASSIGN_OR_RETURN(const InputBlob input, Readable(grant, *request));
        auto reader = stores_.blobs.Open(grant.tenant, request->sha256());
        if (!reader.ok()) return NameLost(reader.status(), input.what, input.repair);
        return std::make_unique<BlobSource<v1::GetBlobResponse>>(
            BlobCursor(*std::move(reader), kBlobChunk),
            [](BlobCursor::Chunk chunk, v1::GetBlobResponse& response) {
              response.set_data(std::move(chunk.data));
            },
            input.what, input.repair);
      },
      {.place = Place::kTransfer});
}

grpc::ServerReadReactor<grpc::ByteBuffer>* WorkerService::PutBlob(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return OpenUpload<v1::PutBlobRequest, v1::BlobRef>(
      calls_, *context, "PutBlob", *response,
      [this](const Caller& caller) { return std::make_unique<BlobUpload>(stores_, caller); },
      {.limit = kPutLimit});
}

}  // namespace vico::server
