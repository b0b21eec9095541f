// JobService: submits, reads, watches, updates, cancels, retries and deletes jobs.
#pragma once

#include <chrono>

#include "common/clock.h"
#include "server/checks/spec_check.h"
#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "vico/v1/job_service.grpc.pb.h"

namespace vico::server {

/// A stream that ends at its limit leaves the job running; clients resume the watch.
struct JobServiceOptions {
  std::chrono::milliseconds generate_limit{300'000};  ///< of one Generate call
  std::chrono::milliseconds watch_limit{3'600'000};   ///< of one WatchJob call
  std::chrono::milliseconds bookmark{15'000};  ///< pause in a watch after which it sends a bookmark
  std::chrono::milliseconds poll{3'000};  ///< interval at which a watch reads events without a wake
};

class JobService final : public v1::JobService::CallbackService {
 public:
  /// The references must outlive the service.
  JobService(Calls& calls, Stores& stores, const SpecCheck& specs, const Clock& clock,
             const JobServiceOptions& options)
      : calls_(calls), stores_(stores), specs_(specs), clock_(clock), options_(options) {}

  grpc::ServerUnaryReactor* CreateTrainingJob(grpc::CallbackServerContext* context,
                                              const v1::CreateTrainingJobRequest* request,
                                              v1::Job* job) override;
  grpc::ServerUnaryReactor* CreateGenerationJob(grpc::CallbackServerContext* context,
                                                const v1::CreateGenerationJobRequest* request,
                                                v1::Job* job) override;
  grpc::ServerUnaryReactor* CreateEvaluationJob(grpc::CallbackServerContext* context,
                                                const v1::CreateEvaluationJobRequest* request,
                                                v1::Job* job) override;
  grpc::ServerUnaryReactor* ContinueTraining(grpc::CallbackServerContext* context,
                                             const v1::ContinueTrainingRequest* request,
                                             v1::Job* job) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* Generate(
      grpc::CallbackServerContext* context, const v1::CreateGenerationJobRequest* request) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request, v1::Job* job) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(
      grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) override;
  grpc::ServerWriteReactor<v1::WatchJobsResponse>* WatchJobs(
      grpc::CallbackServerContext* context, const v1::WatchJobsRequest* request) override;
  grpc::ServerUnaryReactor* UpdateJob(grpc::CallbackServerContext* context,
                                      const v1::UpdateJobRequest* request, v1::Job* job) override;
  grpc::ServerUnaryReactor* CancelJobs(grpc::CallbackServerContext* context,
                                       const v1::CancelJobsRequest* request,
                                       v1::CancelJobsResponse* response) override;
  grpc::ServerUnaryReactor* FinishTraining(grpc::CallbackServerContext* context,
                                           const v1::FinishTrainingRequest* request,
                                           v1::Job* job) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request, v1::Job* job) override;
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* context,
                                     const v1::RetryJobRequest* request, v1::Job* job) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const v1::DeleteJobRequest* request,
                                      google::protobuf::Empty* response) override;

 private:
  absl::StatusOr<v1::Job> SubmitGeneration(const Caller& caller,
                                           const v1::CreateGenerationJobRequest& request);

  Calls& calls_;
  Stores& stores_;
  const SpecCheck& specs_;
  const Clock& clock_;
  const JobServiceOptions options_;
};

}  // namespace vico::server
