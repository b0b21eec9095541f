#include "client/lib/client.h"

#include <algorithm>
#include <utility>

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include "client/lib/link.h"
#include "common/ids.h"
#include "common/rpc/channel.h"
#include "common/rpc/metadata.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::size_t kLargestPage = 100;

// Fetches pages until it has `limit` items or all. `fetch` makes the call, `items` returns the
// repeated field of a response.
template <typename Item, typename Request, typename Fetch, typename Items>
absl::StatusOr<Listing<Item>> Collect(Request request, std::size_t limit, const Fetch& fetch,
                                      const Items& items) {
  Listing<Item> all;
  while (all.items.size() < limit) {
    request.set_page_size(static_cast<int>(std::min(limit - all.items.size(), kLargestPage)));
    ASSIGN_OR_RETURN(auto page, fetch(request));
    for (Item& item : *items(page)) all.items.push_back(std::move(item));
    all.total = static_cast<std::size_t>(std::max(page.total_size(), 0));
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  return all;
}

}  // namespace

void WatchHandler::OnJob(const std::string& /*job*/) {}
void WatchHandler::OnPosition(const v1::Event::Position& /*position*/) {}
void WatchHandler::OnReconnect(const absl::Status& /*error*/, absl::Duration /*wait*/) {}

absl::Status Client::Link::Retry(std::chrono::milliseconds total, std::chrono::milliseconds each,
                                 const std::function<absl::Status(Deadline)>& attempt) const {
  const Deadline end = std::chrono::system_clock::now() + total;
  Backoff backoff(options.retry.backoff, random);
  for (int tries = 1;; ++tries) {
    absl::Status status = attempt(std::min(end, std::chrono::system_clock::now() + each));
    if (status.ok() || !IsWorthRetrying(status) || tries >= options.retry.attempts) {
      return ExplainCall(status, peer);
    }
    const absl::Duration wait = std::max(backoff.Next(), RetryAfter(status));
    if (absl::Now() + wait >= absl::FromChrono(end)) return ExplainCall(status, peer);
    WaitFor(wait, {});
  }
}

absl::StatusOr<std::unique_ptr<Client>> Client::Open(ClientOptions options, RandomSource random) {
  if (!options.key.empty()) RETURN_IF_ERROR(CheckKey("key", options.key));
  ASSIGN_OR_RETURN(Peer peer, PeerAt("server", options.server, {.ca = options.ca}));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                   OpenChannel("server", options.server, {.ca = options.ca}));
  return std::unique_ptr<Client>(new Client(
      std::make_unique<Link>(std::move(options), std::move(peer), std::move(random), channel)));
}

Client::Client(std::unique_ptr<Link> link) : link_(std::move(link)) {}
Client::~Client() = default;

absl::StatusOr<v1::Concept> Client::GetConcept(const std::string& name) {
  v1::GetConceptRequest request;
  request.set_name(name);
  return link_->Call(*link_->concepts, &v1::ConceptService::Stub::GetConcept, request);
}

absl::StatusOr<Listing<v1::Concept>> Client::ListConcepts(std::size_t limit) {
  return Collect<v1::Concept>(
      v1::ListConceptsRequest(), limit,
      [&](const v1::ListConceptsRequest& request) {
        return link_->Call(*link_->concepts, &v1::ConceptService::Stub::ListConcepts, request);
      },
      [](v1::ListConceptsResponse& page) { return page.mutable_concepts(); });
}

absl::StatusOr<v1::Concept> Client::UpdateConcept(const v1::Concept& changed,
                                                  const google::protobuf::FieldMask& mask) {
  v1::UpdateConceptRequest request;
  *request.mutable_updated_concept() = changed;
  *request.mutable_update_mask() = mask;
  return link_->Call(*link_->concepts, &v1::ConceptService::Stub::UpdateConcept, request);
}

absl::Status Client::DeleteConcept(const std::string& name) {
  v1::DeleteConceptRequest request;
  request.set_name(name);
  return link_->Call(*link_->concepts, &v1::ConceptService::Stub::DeleteConcept, request).status();
}

absl::StatusOr<v1::Job> Client::CreateTrainingJob(const v1::TrainSpec& spec,
                                                  const JobDisplay& display) {
  v1::CreateTrainingJobRequest request;
  request.set_request_id(NewId());
  *request.mutable_train() = spec;
  SetDisplay(display, request);
  return link_->Call(*link_->jobs, &v1::JobService::Stub::CreateTrainingJob, request);
}

absl::StatusOr<v1::Job> Client::CheckTraining(const v1::TrainSpec& spec,
                                              const JobDisplay& display) {
  v1::CreateTrainingJobRequest request;
  request.set_request_id(NewId());
  request.set_validate_only(true);
  *request.mutable_train() = spec;
  SetDisplay(display, request);
  return link_->Call(*link_->jobs, &v1::JobService::Stub::CreateTrainingJob, request);
}

absl::StatusOr<v1::Job> Client::CheckGeneration(const v1::GenerateSpec& spec,
                                                const JobDisplay& display) {
  v1::CreateGenerationJobRequest request;
  request.set_request_id(NewId());
  request.set_validate_only(true);
  *request.mutable_generate() = spec;
  SetDisplay(display, request);
  return link_->Call(*link_->jobs, &v1::JobService::Stub::CreateGenerationJob, request);
}

absl::StatusOr<v1::Job> Client::GetJob(const std::string& name) {
  v1::GetJobRequest request;
  request.set_name(name);
  return link_->Call(*link_->jobs, &v1::JobService::Stub::GetJob, request);
}

absl::StatusOr<Listing<v1::Job>> Client::ListJobs(v1::JobKind kind,
                                                  const std::vector<v1::JobState>& states,
                                                  std::size_t limit) {
  v1::ListJobsRequest request;
  request.set_kind(kind);
  request.mutable_states()->Assign(states.begin(), states.end());
  return Collect<v1::Job>(
      std::move(request), limit,
      [&](const v1::ListJobsRequest& page) {
        return link_->Call(*link_->jobs, &v1::JobService::Stub::ListJobs, page);
      },
      [](v1::ListJobsResponse& page) { return page.mutable_jobs(); });
}

absl::StatusOr<v1::Job> Client::UpdateJob(const v1::Job& changed,
                                          const google::protobuf::FieldMask& mask) {
  v1::UpdateJobRequest request;
  *request.mutable_job() = changed;
  *request.mutable_update_mask() = mask;
  return link_->Call(*link_->jobs, &v1::JobService::Stub::UpdateJob, request);
}

absl::StatusOr<v1::Job> Client::CancelJob(const std::string& name) {
  v1::CancelJobRequest request;
  request.set_name(name);
  return link_->Call(*link_->jobs, &v1::JobService::Stub::CancelJob, request);
}

absl::StatusOr<v1::Job> Client::FinishTraining(const std::string& name) {
  v1::FinishTrainingRequest request;
  request.set_name(name);
  return link_->Call(*link_->jobs, &v1::JobService::Stub::FinishTraining, request);
}

absl::StatusOr<v1::Job> Client::RetryJob(const std::string& name) {
  v1::RetryJobRequest request;
  request.set_name(name);
  request.set_request_id(NewId());
  return link_->Call(*link_->jobs, &v1::JobService::Stub::RetryJob, request);
}

absl::Status Client::DeleteJob(const std::string& name) {
  v1::DeleteJobRequest request;
  request.set_name(name);
  return link_->Call(*link_->jobs, &v1::JobService::Stub::DeleteJob, request).status();
}

absl::StatusOr<v1::Adapter> Client::GetAdapter(const std::string& name) {
  v1::GetAdapterRequest request;
  request.set_name(name);
  return link_->Call(*link_->adapters, &v1::AdapterService::Stub::GetAdapter, request);
}

absl::StatusOr<Listing<v1::Adapter>> Client::ListAdapters(std::size_t limit) {
  return Collect<v1::Adapter>(
      v1::ListAdaptersRequest(), limit,
      [&](const v1::ListAdaptersRequest& request) {
        return link_->Call(*link_->adapters, &v1::AdapterService::Stub::ListAdapters, request);
      },
      [](v1::ListAdaptersResponse& page) { return page.mutable_adapters(); });
}

absl::StatusOr<v1::Adapter> Client::UpdateAdapter(const v1::Adapter& changed,
                                                  const google::protobuf::FieldMask& mask) {
  v1::UpdateAdapterRequest request;
  *request.mutable_adapter() = changed;
  *request.mutable_update_mask() = mask;
  return link_->Call(*link_->adapters, &v1::AdapterService::Stub::UpdateAdapter, request);
}

absl::Status Client::DeleteAdapter(const std::string& name) {
  v1::DeleteAdapterRequest request;
  request.set_name(name);
  return link_->Call(*link_->adapters, &v1::AdapterService::Stub::DeleteAdapter, request).status();
}

absl::StatusOr<std::vector<v1::BaseModel>> Client::ListBaseModels() {
  ASSIGN_OR_RETURN(auto response,
                   link_->Call(*link_->models, &v1::ModelService::Stub::ListBaseModels,
                               v1::ListBaseModelsRequest()));
  return std::vector<v1::BaseModel>(response.base_models().begin(), response.base_models().end());
}

absl::StatusOr<v1::Capabilities> Client::GetCapabilities() {
  return link_->Call(*link_->models, &v1::ModelService::Stub::GetCapabilities,
                     v1::GetCapabilitiesRequest());
}

}  // namespace vico::client
