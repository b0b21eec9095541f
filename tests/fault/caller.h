// A client of the fault runs: it submits, cancels, reads and watches through the generated stubs,
// retries as clients should, and records every call.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "tests/fault/history/history.h"
#include "vico/v1/concept.grpc.pb.h"
#include "vico/v1/job_service.grpc.pb.h"

namespace vico::fault {

/// One thread at a time. Makes no call after `stop`.
class Caller {
 public:
  /// With its own connection.
  Caller(const std::string& address, HistoryRecorder& recorder, std::stop_token stop);
  /// With a shared connection.
  Caller(const std::shared_ptr<grpc::Channel>& channel, HistoryRecorder& recorder,
         std::stop_token stop,
         std::string key = "");  ///< API key; empty if the server requires none
  static std::shared_ptr<grpc::Channel> Channel(const std::string& address);

  /// Uploads two example pictures. Returns the name of the concept; empty after `stop`.
  std::string UploadConcept();

  /// Retries until the submit is acknowledged and returns the name of the job; empty after a
  /// permanent error or `stop`. Submits a training on `concept_name`, or a generation if that is
  /// empty.
  std::string Submit(const std::string& request_id, const std::string& concept_name);
  /// One call. True if it was acknowledged.
  bool Cancel(const std::string& job);
  std::optional<v1::Job> Get(const std::string& job);

  /// Watches a job from `after_sequence` to its end, over as many streams as needed. True if it saw
  /// the end.
  bool Watch(const std::string& job, uint64_t after_sequence = 0);

 private:
  v1::Job Call(ClientCall call, const std::function<absl::Status(v1::Job&)>& method,
               absl::Status& status);
  void Rest(std::chrono::milliseconds time) const;
  void Prepare(grpc::ClientContext& context, std::chrono::seconds patience) const;

  HistoryRecorder& recorder_;
  const std::string key_;
  const std::stop_token stop_;
  const std::unique_ptr<v1::JobService::Stub> jobs_;
  const std::unique_ptr<v1::ConceptService::Stub> concepts_;
};

}  // namespace vico::fault
