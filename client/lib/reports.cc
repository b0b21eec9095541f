// The client's calls about evaluations and reports of adapters, and about trainings that continue
// one.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "client/lib/client.h"
#include "client/lib/link.h"
#include "common/ids.h"
#include "common/status.h"

namespace vico::client {
namespace {

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

}  // namespace vico::client
