#include "tests/fault/caller.h"

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "common/crypto/sha256.h"
#include "common/ids.h"
#include "common/rpc/status_grpc.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "tests/server/base_model_fixture.h"

namespace vico::fault {
namespace {

using std::chrono::milliseconds;

constexpr auto kCallPatience = std::chrono::seconds(5);
constexpr auto kWatchPatience = std::chrono::seconds(600);
constexpr milliseconds kRest{50};  // before a retry

/// Whether a retry can succeed.
bool IsRetryable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status) || absl::IsCancelled(status) ||
         absl::IsInternal(status) || absl::IsUnknown(status);
}

}  // namespace

std::shared_ptr<grpc::Channel> Caller::Channel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

Caller::Caller(const std::string& address, HistoryRecorder& recorder, std::stop_token stop)
    : Caller(Channel(address), recorder, std::move(stop)) {}

Caller::Caller(const std::shared_ptr<grpc::Channel>& channel, HistoryRecorder& recorder,
               std::stop_token stop, std::string key)
    : recorder_(recorder),
      key_(std::move(key)),
      stop_(std::move(stop)),
      jobs_(v1::JobService::NewStub(channel)),
      concepts_(v1::ConceptService::NewStub(channel)) {}

void Caller::Prepare(grpc::ClientContext& context, std::chrono::seconds patience) const {
  context.set_deadline(std::chrono::system_clock::now() + patience);
  context.set_wait_for_ready(true);
  if (!key_.empty()) context.AddMetadata("authorization", "Bearer " + key_);
}

void Caller::Rest(milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!stop_.stop_requested() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::min<milliseconds>(time, milliseconds(20)));
  }
}

std::string Caller::UploadConcept() {
  const std::vector<std::string> pictures = {server::FileBytes("examples/robot/beach.png"),
                                             server::FileBytes("examples/robot/brick.png")};
  v1::UploadConceptRequest first;
  first.mutable_header()->set_request_id(NewId());
  first.mutable_header()->set_display_name("robot");
  for (const std::string& bytes : pictures) {
    auto& picture = *first.mutable_header()->add_pictures();
    picture.set_sha256(Sha256Hex(bytes));
    picture.set_size_bytes(bytes.size());
    picture.set_file_name("robot.png");
  }
  while (!stop_.stop_requested()) {
    grpc::ClientContext context;
    Prepare(context, kCallPatience);
    v1::UploadConceptResponse response;
    const auto writer = concepts_->UploadConcept(&context, &response);
    bool open = writer->Write(first);
    for (int i = 0; open && i < 2; ++i) {
      v1::UploadConceptRequest part;
      part.mutable_chunk()->set_picture_index(i);
      part.mutable_chunk()->set_data(pictures[static_cast<size_t>(i)]);
      open = writer->Write(part);
    }
    writer->WritesDone();
    if (writer->Finish().ok() && response.has_uploaded_concept()) {
      return response.uploaded_concept().name();
    }
    Rest(kRest);
  }
  return "";
}

/// Makes one call and records it.
v1::Job Caller::Call(ClientCall call, const std::function<absl::Status(v1::Job&)>& method,
                     absl::Status& status) {
  v1::Job job;
  call.called_us = BootMicros();
  status = method(job);
  call.answered_us = BootMicros();
  call.code = status.code();
  if (status.ok()) {
    call.job = job.name();
    call.state = job.state();
    call.last_sequence = job.last_sequence();
    call.cancel_requested = job.cancel_requested();
  }
  recorder_.Add(std::move(call));
  return job;
}

std::string Caller::Submit(const std::string& request_id, const std::string& concept_name) {
  v1::CreateTrainingJobRequest training;
  training.set_request_id(request_id);
  training.mutable_train()->set_concept_name(concept_name);
  training.mutable_train()->set_init_word("dog");
  v1::CreateGenerationJobRequest generation;
  generation.set_request_id(request_id);
  generation.mutable_generate()->set_prompt("a photo of a dog");
  ClientCall call;
  call.kind = ClientCall::Kind::kSubmit;
  call.request_id = request_id;
  call.body = concept_name;
  while (!stop_.stop_requested()) {
    absl::Status status;
    const v1::Job job = Call(
        call,
        [&](v1::Job& made) {
          grpc::ClientContext context;
          Prepare(context, kCallPatience);
          return FromGrpc(concept_name.empty()
                              ? jobs_->CreateGenerationJob(&context, generation, &made)
                              : jobs_->CreateTrainingJob(&context, training, &made));
        },
        status);
    if (status.ok()) return job.name();
    // The base model is unknown until a worker has registered.
    const bool early = absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
                       absl::IsInvalidArgument(status);
    if (!early && !IsRetryable(status)) return "";
    Rest(kRest);
  }
  return "";
}

bool Caller::Cancel(const std::string& job) {
  v1::CancelJobRequest request;
  request.set_name(job);
  ClientCall call;
  call.kind = ClientCall::Kind::kCancel;
  call.job = job;
  absl::Status status;
  Call(
      call,
      [&](v1::Job& answer) {
        grpc::ClientContext context;
        Prepare(context, kCallPatience);
        return FromGrpc(jobs_->CancelJob(&context, request, &answer));
      },
      status);
  return status.ok();
}

std::optional<v1::Job> Caller::Get(const std::string& job) {
  v1::GetJobRequest request;
  request.set_name(job);
  ClientCall call;
  call.job = job;
  absl::Status status;
  v1::Job got = Call(
      call,
      [&](v1::Job& answer) {
        grpc::ClientContext context;
        Prepare(context, kCallPatience);
        return FromGrpc(jobs_->GetJob(&context, request, &answer));
      },
      status);
  if (!status.ok()) return std::nullopt;
  return got;
}

bool Caller::Watch(const std::string& job, uint64_t after_sequence) {
  bool ended = false;
  while (!ended && !stop_.stop_requested()) {
    grpc::ClientContext context;
    Prepare(context, kWatchPatience);
    const std::stop_callback cancel(stop_, [&] { context.TryCancel(); });
    v1::WatchJobRequest request;
    request.set_name(job);
    request.set_after_sequence(after_sequence);
    WatchStream stream;
    stream.job = job;
    stream.after_sequence = after_sequence;
    const auto reader = jobs_->WatchJob(&context, request);
    v1::WatchJobResponse response;
    while (reader->Read(&response)) {
      if (!response.has_event()) continue;
      after_sequence = response.event().sequence();
      ended = ended || server::IsTerminal(response.event());
      stream.events.push_back(std::move(*response.mutable_event()));
    }
    const absl::Status status = FromGrpc(reader->Finish());
    stream.code = status.code();
    ended = ended || (status.ok() && stream.events.empty());  // an earlier stream sent the end
    recorder_.Add(std::move(stream));
    if (!ended) Rest(kRest);
  }
  return ended;
}

}  // namespace vico::fault
