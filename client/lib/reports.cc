// The client's calls about evaluations and reports of adapters, and about trainings that continue
// one.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "client/lib/client.h"
#include "client/lib/link.h"
#include "common/crypto/sha256.h"
#include "common/ids.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::uint64_t kMostPictureBytes = std::uint64_t{64} << 20;

template <typename Request>
Request NewRequest(const JobDisplay& display, bool only_check) {
  Request request;
  request.set_request_id(NewId());
  request.set_validate_only(only_check);
  SetDisplay(display, request);
  return request;
}

v1::CreateEvaluationJobRequest Evaluation(const v1::EvaluateSpec& spec, const JobDisplay& display,
                                          bool only_check) {
  auto request = NewRequest<v1::CreateEvaluationJobRequest>(display, only_check);
  *request.mutable_evaluate() = spec;
  return request;
}

v1::ContinueTrainingRequest Continuation(const std::string& adapter, int steps,
                                         const JobDisplay& display, bool only_check) {
  auto request = NewRequest<v1::ContinueTrainingRequest>(display, only_check);
  request.set_adapter(adapter);
  request.set_steps(steps);
  return request;
}

/// Reads one stream to its end. The bytes are those of the header's digest.
absl::StatusOr<std::string> ReadPicture(grpc::ClientContext& context,
                                        v1::PictureService::Stub& stub,
                                        const v1::DownloadPictureRequest& request) {
  const auto reader = stub.DownloadPicture(&context, request);
  v1::DownloadPictureResponse response;
  std::string bytes;
  std::string sha256;
  while (reader->Read(&response)) {
    if (response.has_header()) sha256 = response.header().sha256();
    bytes += response.chunk().data();
    if (bytes.size() > kMostPictureBytes) {
      context.TryCancel();
      return absl::DataLossError(
          fmt::format("{}: has more than {} bytes", request.name(), kMostPictureBytes));
    }
  }
  RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  if (Sha256Hex(bytes) == sha256) return bytes;
  return absl::DataLossError(
      fmt::format("{}: the bytes do not match their SHA-256", request.name()));
}

}  // namespace

absl::StatusOr<v1::Job> Client::CreateEvaluationJob(const v1::EvaluateSpec& spec,
                                                    const JobDisplay& display) {
  return link_->Call(*link_->jobs, &v1::JobService::Stub::CreateEvaluationJob,
                     Evaluation(spec, display, /*only_check=*/false));
}

absl::StatusOr<v1::Job> Client::CheckEvaluation(const v1::EvaluateSpec& spec,
                                                const JobDisplay& display) {
  return link_->Call(*link_->jobs, &v1::JobService::Stub::CreateEvaluationJob,
                     Evaluation(spec, display, /*only_check=*/true));
}

absl::StatusOr<v1::Job> Client::ContinueTraining(const std::string& adapter, int steps,
                                                 const JobDisplay& display) {
  return link_->Call(*link_->jobs, &v1::JobService::Stub::ContinueTraining,
                     Continuation(adapter, steps, display, /*only_check=*/false));
}

absl::StatusOr<v1::Job> Client::CheckContinuation(const std::string& adapter, int steps,
                                                  const JobDisplay& display) {
  return link_->Call(*link_->jobs, &v1::JobService::Stub::ContinueTraining,
                     Continuation(adapter, steps, display, /*only_check=*/true));
}

absl::StatusOr<v1::Job> Client::FindEvaluation(const std::string& adapter) {
  v1::ListJobsRequest request;
  request.set_page_size(1);
  request.mutable_filter()->add_kinds(v1::JOB_KIND_EVALUATION);
  request.mutable_filter()->set_adapter(adapter);
  ASSIGN_OR_RETURN(const v1::ListJobsResponse page,
                   link_->Call(*link_->jobs, &v1::JobService::Stub::ListJobs, request));
  if (!page.jobs().empty()) return page.jobs(0);
  return absl::NotFoundError(fmt::format("{}: has no evaluation", adapter));
}

absl::StatusOr<v1::AdapterReport> Client::GetAdapterReport(const std::string& adapter) {
  v1::GetAdapterReportRequest request;
  request.set_name(adapter);
  return link_->Call(*link_->adapters, &v1::AdapterService::Stub::GetAdapterReport, request);
}

absl::StatusOr<std::string> Client::DownloadPicture(const std::string& name) {
  v1::DownloadPictureRequest request;
  request.set_name(name);
  std::string bytes;
  const auto attempt = [&](Link::Deadline deadline) -> absl::Status {
    grpc::ClientContext context;
    link_->Prepare(context, deadline);
    ASSIGN_OR_RETURN(bytes, ReadPicture(context, *link_->pictures, request));
    return absl::OkStatus();
  };
  const auto total = link_->options.transfer_deadline;
  RETURN_IF_ERROR(link_->Retry(total, total, attempt));
  return bytes;
}

}  // namespace vico::client
