// WorkerService: workers register, lease jobs, report, finish, and transfer the blobs of the jobs
// that they hold. It is on the workers' listener.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <absl/time/time.h>

#include "server/resources/input_blobs.h"
#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "vico/v1/worker.grpc.pb.h"

namespace vico::server {

struct WorkerServiceOptions {
  absl::Duration lease_ttl = absl::Seconds(30);     ///< that of the job store
  absl::Duration longest_wait = absl::Seconds(30);  ///< of one Lease call
  /// Between two looks at the queue of a Lease call that nobody wakes: up to half more or less.
  std::chrono::milliseconds poll{3'000};
  std::function<void()> on_registered = [] {};  ///< after each registration; any thread
};

class WorkerService final
    : public v1::WorkerService::WithRawCallbackMethod_PutBlob<v1::WorkerService::CallbackService> {
 public:
  /// The references must outlive the service.
  WorkerService(Calls& calls, Stores& stores, const WorkerServiceOptions& options)
      : calls_(calls), stores_(stores), options_(options) {}

  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const v1::RegisterRequest* request,
                                     v1::RegisterResponse* response) override;
  grpc::ServerUnaryReactor* Lease(grpc::CallbackServerContext* context,
                                  const v1::LeaseRequest* request,
                                  v1::LeaseResponse* response) override;
  grpc::ServerUnaryReactor* Report(grpc::CallbackServerContext* context,
                                   const v1::ReportRequest* request,
                                   v1::ReportResponse* response) override;
  grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context,
                                   const v1::FinishRequest* request,
                                   v1::FinishResponse* response) override;
  grpc::ServerWriteReactor<v1::GetBlobResponse>* GetBlob(
      grpc::CallbackServerContext* context, const v1::GetBlobRequest* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* PutBlob(grpc::CallbackServerContext* context,
                                                     grpc::ByteBuffer* response) override;

 private:
  absl::StatusOr<bool> TryLease(const Caller& caller, const v1::LeaseRequest& request,
                                v1::LeaseResponse& response);
  absl::StatusOr<std::string> HolderOf(const std::string& job, const std::string& lease_id);
  absl::Status FillIn(const Grant& grant, v1::LeasedJob& leased);
  absl::StatusOr<InputBlob> Readable(const Grant& grant, const v1::GetBlobRequest& request);
  absl::Status DoReport(const Caller& caller, const v1::ReportRequest& request,
                        v1::ReportResponse& response);
  absl::Status DoFinish(const Caller& caller, const v1::FinishRequest& request,
                        v1::FinishResponse& response);

  Calls& calls_;
  Stores& stores_;
  const WorkerServiceOptions options_;
};

}  // namespace vico::server
