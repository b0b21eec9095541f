// A client of the fault runs: submits, cancels, reads and watches through the plain stubs, tries
// again as a client must, and writes everything down.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "tests/fault/history.h"
#include "vico/v1/concept.grpc.pb.h"
#include "vico/v1/job_service.grpc.pb.h"

namespace vico {

/// One thread at a time; a connection of its own. Nothing is tried after `stop`.
class Caller {
 public:
  Caller(const std::string& address, HistoryBook& book, std::stop_token stop);
  /// On a connection that several share.
  Caller(const std::shared_ptr<grpc::Channel>& channel, HistoryBook& book, std::stop_token stop,
         std::string key = "");  ///< the tenant's API key, or empty where none is asked for
  static std::shared_ptr<grpc::Channel> Channel(const std::string& address);

  /// Two pictures of the examples; the concept's name. Empty when stopped.
  std::string UploadConcept();

  /// Until it is acknowledged; the job's name. `what`: a concept, for a training, or empty, for a
  /// generation. Empty when refused for good or stopped.
  std::string Submit(const std::string& request_id, const std::string& what);
  /// One call. Whether it was acknowledged.
  bool Cancel(const std::string& job);
  std::optional<v1::Job> Get(const std::string& job);

  /// Watches a job from `after_sequence` on until it ends, over as many streams as it takes.
  /// Whether it saw the end.
  bool Watch(const std::string& job, uint64_t after_sequence = 0);

 private:
  v1::Job Ask(ClientCall call, const std::function<absl::Status(v1::Job&)>& ask,
              absl::Status& status);
  void Rest(std::chrono::milliseconds time) const;
  void Prepare(grpc::ClientContext& context, std::chrono::seconds patience) const;

  HistoryBook& book_;
  const std::string key_;
  const std::stop_token stop_;
  const std::unique_ptr<v1::JobService::Stub> jobs_;
  const std::unique_ptr<v1::ConceptService::Stub> concepts_;
};

}  // namespace vico
