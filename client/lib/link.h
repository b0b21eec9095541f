// The internals of Client: channel, stubs, and the retry loop of all calls.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "client/lib/client.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_grpc.h"
#include "common/rpc/trace_metadata.h"
#include "common/status.h"
#include "vico/v1/adapter.grpc.pb.h"
#include "vico/v1/concept.grpc.pb.h"
#include "vico/v1/job_service.grpc.pb.h"
#include "vico/v1/model.grpc.pb.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::client {

struct Client::Link {
  using Deadline = std::chrono::system_clock::time_point;

  Link(ClientOptions client_options, Peer server, RandomSource random_source,
       const std::shared_ptr<grpc::Channel>& channel)
      : options(std::move(client_options)),
        peer(std::move(server)),
        random(std::move(random_source)),
        concepts(v1::ConceptService::NewStub(channel)),
        jobs(v1::JobService::NewStub(channel)),
        adapters(v1::AdapterService::NewStub(channel)),
        models(v1::ModelService::NewStub(channel)),
        pictures(v1::PictureService::NewStub(channel)) {}

  /// Sets deadline, API key and trace of a call.
  void Prepare(grpc::ClientContext& context, Deadline deadline) const {
    context.set_deadline(deadline);
    if (!options.key.empty()) {
      context.AddMetadata("authorization", "Bearer " + options.key.Reveal());
    }
    AddTrace(options.trace, context);
  }

  /// Runs `attempt` until it succeeds, fails with an error that is not retried, or the attempts or
  /// the time `total` are used up. An attempt has at most the time `each`. The error is explained
  /// (common/rpc/channel.h).
  absl::Status Retry(std::chrono::milliseconds total, std::chrono::milliseconds each,
                     const std::function<absl::Status(Deadline)>& attempt) const;

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const {
    Response response;
    const auto attempt = [&](Deadline deadline) {
      grpc::ClientContext context;
      Prepare(context, deadline);
      return FromGrpc((stub.*method)(&context, request, &response));
    };
    RETURN_IF_ERROR(Retry(options.call_deadline, options.retry.attempt_deadline, attempt));
    return response;
  }

  ClientOptions options;
  Peer peer;
  RandomSource random;
  std::unique_ptr<v1::ConceptService::Stub> concepts;
  std::unique_ptr<v1::JobService::Stub> jobs;
  std::unique_ptr<v1::AdapterService::Stub> adapters;
  std::unique_ptr<v1::ModelService::Stub> models;
  std::unique_ptr<v1::PictureService::Stub> pictures;
};

}  // namespace vico::client
