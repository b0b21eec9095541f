// A gRPC server in this process. Each method calls a function that the test sets.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "vico/v1/adapter.grpc.pb.h"
#include "vico/v1/concept.grpc.pb.h"
#include "vico/v1/job_service.grpc.pb.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::client {

class FakeServer : private v1::ConceptService::Service,
                   private v1::JobService::Service,
                   private v1::AdapterService::Service,
                   private v1::PictureService::Service {
 public:
  using Upload = grpc::ServerReader<v1::UploadConceptRequest>;
  using Events = grpc::ServerWriter<v1::WatchJobResponse>;
  using Download = grpc::ServerWriter<v1::DownloadAdapterResponse>;
  using PictureStream = grpc::ServerWriter<v1::DownloadPictureResponse>;
  using PictureUpload = grpc::ServerReader<v1::UploadPictureRequest>;

  std::function<grpc::Status(Upload&, v1::UploadConceptResponse&)> upload;
  std::function<grpc::Status(const v1::ListConceptsRequest&, v1::ListConceptsResponse&)> list;
  std::function<grpc::Status(const v1::CreateTrainingJobRequest&, v1::Job&)> train;
  std::function<grpc::Status(const v1::CreateGenerationJobRequest&, Events&)> generate;
  std::function<grpc::Status(const v1::CreateGenerationJobRequest&, v1::Job&)> check_generation;
  std::function<grpc::Status(grpc::ServerContext&, const v1::WatchJobRequest&, Events&)> watch;
  std::function<grpc::Status(const v1::GetJobRequest&, v1::Job&)> get_job;
  std::function<grpc::Status(const v1::GetAdapterRequest&, v1::Adapter&)> get_adapter;
  std::function<grpc::Status(Download&)> download;
  std::function<grpc::Status(const v1::UpdateConceptRequest&, v1::Concept&)> update_concept;
  std::function<grpc::Status(const v1::UpdateJobRequest&, v1::Job&)> update_job;
  std::function<grpc::Status(const v1::UpdateAdapterRequest&, v1::Adapter&)> update_adapter;
  std::function<grpc::Status(const v1::CreateEvaluationJobRequest&, v1::Job&)> evaluate;
  std::function<grpc::Status(const v1::ContinueTrainingRequest&, v1::Job&)> continue_training;
  std::function<grpc::Status(const v1::ListJobsRequest&, v1::ListJobsResponse&)> list_jobs;
  std::function<grpc::Status(const v1::GetAdapterReportRequest&, v1::AdapterReport&)> report;
  std::function<grpc::Status(const v1::DownloadPictureRequest&, PictureStream&)> picture;
  std::function<grpc::Status(PictureUpload&, v1::UploadPictureResponse&)> upload_picture;
  std::function<grpc::Status(const v1::DeletePictureRequest&)> delete_picture;
  /// Called before an upload, a watch or a GetJob.
  std::function<void(const grpc::ServerContext&)> on_call = [](const auto&) {};

  /// Starts to listen on a free port.
  FakeServer() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(static_cast<v1::ConceptService::Service*>(this));
    builder.RegisterService(static_cast<v1::JobService::Service*>(this));
    builder.RegisterService(static_cast<v1::AdapterService::Service*>(this));
    builder.RegisterService(static_cast<v1::PictureService::Service*>(this));
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~FakeServer() override { server_->Shutdown(std::chrono::system_clock::now()); }

  const std::string& address() const { return address_; }

 private:
  grpc::Status UploadConcept(grpc::ServerContext* context, Upload* reader,
                             v1::UploadConceptResponse* response) override {
    on_call(*context);
    return upload(*reader, *response);
  }
  grpc::Status ListConcepts(grpc::ServerContext*, const v1::ListConceptsRequest* request,
                            v1::ListConceptsResponse* response) override {
    return list(*request, *response);
  }
  grpc::Status CreateTrainingJob(grpc::ServerContext*, const v1::CreateTrainingJobRequest* request,
                                 v1::Job* job) override {
    return train(*request, *job);
  }
  grpc::Status Generate(grpc::ServerContext*, const v1::CreateGenerationJobRequest* request,
                        Events* events) override {
    return generate(*request, *events);
  }
  grpc::Status CreateGenerationJob(grpc::ServerContext*,
                                   const v1::CreateGenerationJobRequest* request,
                                   v1::Job* job) override {
    return check_generation(*request, *job);
  }
  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                        Events* events) override {
    on_call(*context);
    return watch(*context, *request, *events);
  }
  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                      v1::Job* job) override {
    on_call(*context);
    if (get_job) return get_job(*request, *job);
    job->set_name(request->name());
    return grpc::Status::OK;
  }
  grpc::Status GetAdapter(grpc::ServerContext*, const v1::GetAdapterRequest* request,
                          v1::Adapter* adapter) override {
    return get_adapter(*request, *adapter);
  }
  grpc::Status DownloadAdapter(grpc::ServerContext*, const v1::DownloadAdapterRequest*,
                               Download* writer) override {
    return download(*writer);
  }

  grpc::Status CreateEvaluationJob(grpc::ServerContext*,
                                   const v1::CreateEvaluationJobRequest* request,
                                   v1::Job* job) override {
    return evaluate(*request, *job);
  }
  grpc::Status ContinueTraining(grpc::ServerContext*, const v1::ContinueTrainingRequest* request,
                                v1::Job* job) override {
    return continue_training(*request, *job);
  }
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override {
    return list_jobs(*request, *response);
  }
  grpc::Status GetAdapterReport(grpc::ServerContext*, const v1::GetAdapterReportRequest* request,
                                v1::AdapterReport* found) override {
    return report(*request, *found);
  }
  grpc::Status DownloadPicture(grpc::ServerContext*, const v1::DownloadPictureRequest* request,
                               PictureStream* stream) override {
    return picture(*request, *stream);
  }
  grpc::Status UploadPicture(grpc::ServerContext*, PictureUpload* reader,
                             v1::UploadPictureResponse* response) override {
    return upload_picture(*reader, *response);
  }
  grpc::Status DeletePicture(grpc::ServerContext*, const v1::DeletePictureRequest* request,
                             google::protobuf::Empty*) override {
    return delete_picture(*request);
  }
  grpc::Status UpdateConcept(grpc::ServerContext*, const v1::UpdateConceptRequest* request,
                             v1::Concept* updated) override {
    return update_concept(*request, *updated);
  }
  grpc::Status UpdateJob(grpc::ServerContext*, const v1::UpdateJobRequest* request,
                         v1::Job* updated) override {
    return update_job(*request, *updated);
  }
  grpc::Status UpdateAdapter(grpc::ServerContext*, const v1::UpdateAdapterRequest* request,
                             v1::Adapter* updated) override {
    return update_adapter(*request, *updated);
  }

  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace vico::client
