// Every kNotFound and kResourceExhausted of the services has a reason that programs can use.
#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include <google/rpc/error_details.pb.h>

#include "server/jobs/job.h"
#include "tests/server/server_fixture.h"
#include "vico/v1/admin.grpc.pb.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::server {
namespace {

/// Calls a unary method.
template <typename Stub, typename Request, typename Response>
absl::Status Unary(Stub& stub,
                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request) {
  Call call;
  Response response;
  return FromGrpc((stub.*method)(&call, request, &response));
}

template <typename Request>
Request Named(const std::string& name) {
  Request request;
  request.set_name(name);
  return request;
}

class ErrorReasonsTest : public ServerTest {
 protected:
  ErrorReasonsTest() { EXPECT_THAT(Register(), IsOk()); }

  const std::string job_ = JobName(NewId());
  const std::string adapter_ = AdapterName(NewId());
  const std::string concept_ = ConceptName(NewId());
  const std::string picture_ = "pictures/" + NewId();
};

TEST_F(ErrorReasonsTest, WhatDoesNotExistIsNamedByAReason) {
  const auto admin = v1::AdminService::NewStub(NewChannel(server_->worker_port()));
  const auto keys = v1::KeyService::NewStub(client_);
  using Jobs = v1::JobService::Stub;
  using Adapters = v1::AdapterService::Stub;
  using Concepts = v1::ConceptService::Stub;
  std::map<std::string, absl::Status> answers;
  answers["GetJob"] = Unary(*jobs_, &Jobs::GetJob, Named<v1::GetJobRequest>(job_));
  answers["CancelJob"] = Unary(*jobs_, &Jobs::CancelJob, Named<v1::CancelJobRequest>(job_));
  answers["DeleteJob"] = Unary(*jobs_, &Jobs::DeleteJob, Named<v1::DeleteJobRequest>(job_));
  answers["FinishTraining"] =
      Unary(*jobs_, &Jobs::FinishTraining, Named<v1::FinishTrainingRequest>(job_));
  v1::UpdateJobRequest update_job;
  update_job.mutable_job()->set_name(job_);
  answers["UpdateJob"] = Unary(*jobs_, &Jobs::UpdateJob, update_job);
  v1::UpdateConceptRequest update_concept;
  update_concept.mutable_updated_concept()->set_name(concept_);
  answers["UpdateConcept"] = Unary(*concepts_, &Concepts::UpdateConcept, update_concept);
  v1::UpdateAdapterRequest update_adapter;
  update_adapter.mutable_adapter()->set_name(adapter_);
  answers["UpdateAdapter"] = Unary(*adapters_, &Adapters::UpdateAdapter, update_adapter);
  answers["GetBaseModel"] = Unary(*models_, &v1::ModelService::Stub::GetBaseModel,
                                  Named<v1::GetBaseModelRequest>("baseModels/none"));
  v1::CheckWordRequest word;
  word.set_base_model("baseModels/none");
  word.set_word("dog");
  answers["CheckWord"] = Unary(*models_, &v1::ModelService::Stub::CheckWord, word);
  for (const std::string& name :
       {job_ + "/pictures/0", job_ + "/samples/0", adapter_ + "/reference", adapter_ + "/report",
        concept_ + "/pictures/0", picture_}) {
    Call call;
    v1::DownloadPictureResponse response;
    const auto pictures = v1::PictureService::NewStub(client_);
    const auto reader = pictures->DownloadPicture(&call, Named<v1::DownloadPictureRequest>(name));
    EXPECT_FALSE(reader->Read(&response));
    answers["DownloadPicture " + name] = FromGrpc(reader->Finish());
  }
  answers["DeletePicture"] =
      Unary(*v1::PictureService::NewStub(client_), &v1::PictureService::Stub::DeletePicture,
            Named<v1::DeletePictureRequest>(picture_));
  auto retry = Named<v1::RetryJobRequest>(job_);
  retry.set_request_id(RequestId());
  answers["RetryJob"] = Unary(*jobs_, &Jobs::RetryJob, retry);
  answers["WatchJob"] = Watch(job_, 0).status();
  answers["GetAdapter"] =
      Unary(*adapters_, &Adapters::GetAdapter, Named<v1::GetAdapterRequest>(adapter_));
  answers["DeleteAdapter"] =
      Unary(*adapters_, &Adapters::DeleteAdapter, Named<v1::DeleteAdapterRequest>(adapter_));
  answers["GetConcept"] =
      Unary(*concepts_, &Concepts::GetConcept, Named<v1::GetConceptRequest>(concept_));
  answers["DeleteConcept"] =
      Unary(*concepts_, &Concepts::DeleteConcept, Named<v1::DeleteConceptRequest>(concept_));
  v1::Concept unknown;
  unknown.set_name(concept_);
  answers["CreateTrainingJob"] = Create(TrainingOf(unknown)).status();
  answers["GetAdapterReport"] =
      Unary(*adapters_, &Adapters::GetAdapterReport, Named<v1::GetAdapterReportRequest>(adapter_));
  v1::CreateEvaluationJobRequest evaluate;
  evaluate.set_request_id(RequestId());
  evaluate.mutable_evaluate()->set_adapter(adapter_);
  answers["CreateEvaluationJob"] = Unary(*jobs_, &Jobs::CreateEvaluationJob, evaluate);
  v1::ContinueTrainingRequest further;
  further.set_request_id(RequestId());
  further.set_adapter(adapter_);
  further.set_steps(1);
  answers["ContinueTraining"] = Unary(*jobs_, &Jobs::ContinueTraining, further);
  answers["CreateGenerationJob"] = Create(GenerationOf(adapter_)).status();
  auto other_base = GenerationOf();
  other_base.mutable_generate()->set_base_model("baseModels/none");
  answers["CreateGenerationJob, base model"] = Create(other_base).status();
  v1::RevokeKeyRequest revoke;
  revoke.set_id("0123456789abcdef");
  answers["RevokeKey"] = Unary(*keys, &v1::KeyService::Stub::RevokeKey, revoke);
  answers["DeleteTenant"] =
      Unary(*admin, &v1::AdminService::Stub::DeleteTenant, Named<v1::DeleteTenantRequest>("none"));
  answers["DrainWorker"] =
      Unary(*admin, &v1::AdminService::Stub::DrainWorker, Named<v1::DrainWorkerRequest>("none"));
  v1::LeasedJob none;
  none.set_job(job_);
  none.set_lease_id("lease_none");
  answers["Report"] = Report(none, 1).status();
  v1::FinishRequest released;
  released.mutable_released();
  answers["Finish"] = Finish(released, none).status();
  answers["GetBlob"] = Get(Sha256Hex("x"), job_, "lease_none").status();
  answers["PutBlob"] = Put("x", "image/png", none).status();
  for (const auto& [method, status] : answers) {
    EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound)) << method;
    EXPECT_NE(Reason(status), "") << method << ": " << status;
  }
}

class TightServerTest : public ErrorReasonsTest {
 protected:
  /// Restarts the server with `change`d options.
  void With(const std::function<void(ServerOptions&)>& change) {
    options_ = RoomyOptions();
    change(options_);
    Start();
    EXPECT_THAT(Register(), IsOk());
  }
};

TEST_F(TightServerTest, EachLimitHasAReasonAndSaysWhenOrWhatToDo) {
  std::map<std::string, absl::Status> answers;
  // First, since the database remembers what a tenant has used of its burst.
  With([](ServerOptions& options) {
    options.services.admission.submit_burst = 1;
    options.services.admission.submits_per_second = 0.1;
  });
  EXPECT_THAT(Create(GenerationOf()), IsOk());
  answers["SUBMIT_RATE"] = Create(GenerationOf()).status();
  With([](ServerOptions& options) { options.storage.jobs.queued_per_tenant = 2; });
  EXPECT_THAT(Create(GenerationOf()), IsOk());
  answers["QUEUE_FULL"] = Create(GenerationOf()).status();
  With([](ServerOptions& options) { options.services.probe_disk = [] { return DiskSpace{}; }; });
  answers["DISK_NEARLY_FULL"] = Create(GenerationOf()).status();
  With([](ServerOptions& options) { options.storage.quota.adapters = 1; });
  const v1::Concept uploaded = UploadedConcept();
  EXPECT_THAT(Create(TrainingOf(uploaded)), IsOk());
  answers["QUOTA_EXCEEDED"] = Create(TrainingOf(uploaded)).status();
  With([](ServerOptions& options) { options.storage.quota.bytes = 1; });
  const std::string picture = Encoded(TestPicture(100, 64, 2), ".png");
  answers["QUOTA_EXCEEDED, upload"] = Upload(Header({picture, "another"}), {{0, picture}}).status();
  answers["QUOTA_EXCEEDED, generation"] = Create(GenerationOf()).status();
  for (const auto& [reason, status] : answers) {
    EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted)) << reason;
    EXPECT_THAT(status, HasReason(reason.substr(0, reason.find(',')))) << status;
    const bool passes = !reason.starts_with("QUOTA_EXCEEDED");
    EXPECT_EQ(RetryAfter(status) > absl::ZeroDuration(), passes) << reason;
    const google::rpc::Status details = ToProto(status);
    EXPECT_TRUE(std::any_of(
        details.details().begin(), details.details().end(),
        [](const auto& detail) { return detail.template Is<google::rpc::QuotaFailure>(); }))
        << reason;
  }
}

}  // namespace
}  // namespace vico::server
