// A gRPC client of Vico with one method per action of a user. One thread at a time.
//
// Every call has a deadline. A call that finds no server or gets no answer in time is retried with
// back-off. Creating calls carry a random request id, so that a retry returns the answer of the
// first attempt. Errors have the server's code, message and details (common/status.h reads them). A
// local file that cannot be read is kInvalidArgument, before any call.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/field_mask.pb.h>

#include "client/lib/job_display.h"
#include "client/lib/local_file.h"
#include "client/lib/retry.h"
#include "common/crypto/sensitive.h"
#include "common/tracing/trace_context.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/concept.pb.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/job_service.pb.h"
#include "vico/v1/model.pb.h"
#include "vico/v1/picture.pb.h"

namespace vico::client {

struct ClientOptions {
  std::string server = "127.0.0.1:50051";  ///< as common/rpc/address.h
  std::string ca{};      ///< file; empty: no TLS on loopback, else the CAs of the system
  Sensitive key{};       ///< API key; empty: none
  TraceContext trace{};  ///< the calls become part of this trace
  std::chrono::milliseconds call_deadline{30'000};  ///< of a short call, retries included
  std::chrono::milliseconds transfer_deadline{
      600'000};  ///< of an upload or download, retries included
  std::chrono::milliseconds stream_deadline{
      3'600'000};                              ///< of one stream of events; a watch opens another
  std::chrono::milliseconds patience{60'000};  ///< a watch fails after this time without a server
  RetryOptions retry;
};

/// Receives the events of one job: each once, in order, without gaps, across reconnections.
class WatchHandler {
 public:
  virtual ~WatchHandler() = default;

  /// Called once, before the first event, with the name of the job.
  virtual void OnJob(const std::string& job);

  /// `bytes` is the content of the event's blob, with its digest verified; null if pictures were
  /// not requested or the server no longer has this one. An error ends the watch, which returns it.
  virtual absl::Status OnEvent(const v1::Event& event, const std::string* bytes) = 0;

  /// The place of the job in the queue has changed.
  virtual void OnPosition(const v1::Event::Position& position);

  /// The stream ended with `error`; the client opens another after `wait`.
  virtual void OnReconnect(const absl::Status& error, absl::Duration wait);
};

struct WatchOptions {
  std::uint64_t after_sequence = 0;  ///< skip events up to this one
  bool include_pictures = false;     ///< receive samples, masks, previews and pictures
};

/// Called with the bytes transferred so far and in all.
using TransferProgress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

/// The newest entries of a collection.
template <typename Item>
struct Listing {
  std::vector<Item> items;
  /// Of the whole collection; `items` may be fewer. A server counts to 10,000, an old one not.
  std::size_t total = 0;
};

class Client {
 public:
  /// Connects at the first call. kInvalidArgument for an invalid address and for a key that cannot
  /// be sent, kFailedPrecondition for an invalid CA file. `random` is for the jitter of the
  /// back-off.
  static absl::StatusOr<std::unique_ptr<Client>> Open(ClientOptions options, RandomSource random);
  ~Client();

  /// Sends the digests of the pictures, then the pictures that the server does not have.
  absl::StatusOr<v1::Concept> UploadConcept(const std::vector<std::filesystem::path>& files,
                                            const std::string& display_name,
                                            const TransferProgress& progress = {});
  absl::StatusOr<v1::Concept> GetConcept(const std::string& name);
  absl::StatusOr<Listing<v1::Concept>> ListConcepts(std::size_t limit);
  /// Changes the fields that `mask` names: "display_name", "labels.{key}", which removes a label
  /// that the message does not have.
  absl::StatusOr<v1::Concept> UpdateConcept(const v1::Concept& changed,
                                            const google::protobuf::FieldMask& mask);
  absl::Status DeleteConcept(const std::string& name);

  absl::StatusOr<v1::Job> CreateTrainingJob(const v1::TrainSpec& spec,
                                            const JobDisplay& display = {});
  /// The job as it would be created, with defaults filled in; nothing is created.
  absl::StatusOr<v1::Job> CheckTraining(const v1::TrainSpec& spec, const JobDisplay& display = {});
  absl::StatusOr<v1::Job> CheckGeneration(const v1::GenerateSpec& spec,
                                          const JobDisplay& display = {});
  /// Measures an adapter. The spec may name nothing but the adapter.
  absl::StatusOr<v1::Job> CreateEvaluationJob(const v1::EvaluateSpec& spec,
                                              const JobDisplay& display = {});
  absl::StatusOr<v1::Job> CheckEvaluation(const v1::EvaluateSpec& spec,
                                          const JobDisplay& display = {});
  /// A training of `steps` further steps from the adapter.
  absl::StatusOr<v1::Job> ContinueTraining(const std::string& adapter, int steps,
                                           const JobDisplay& display = {});
  absl::StatusOr<v1::Job> CheckContinuation(const std::string& adapter, int steps,
                                            const JobDisplay& display = {});
  /// The newest evaluation of the adapter; kNotFound.
  absl::StatusOr<v1::Job> FindEvaluation(const std::string& adapter);
  absl::StatusOr<v1::Job> GetJob(const std::string& name);
  /// Newest first. An unspecified `kind` and empty `states` match all jobs.
  absl::StatusOr<Listing<v1::Job>> ListJobs(v1::JobKind kind,
                                            const std::vector<v1::JobState>& states,
                                            std::size_t limit);
  /// As UpdateConcept.
  absl::StatusOr<v1::Job> UpdateJob(const v1::Job& changed,
                                    const google::protobuf::FieldMask& mask);
  absl::StatusOr<v1::Job> CancelJob(const std::string& name);
  /// Ends a running training after its current step; it succeeds with the adapter as it is then.
  absl::StatusOr<v1::Job> FinishTraining(const std::string& name);
  absl::StatusOr<v1::Job> RetryJob(const std::string& name);
  /// Only a job that has ended; else kFailedPrecondition.
  absl::Status DeleteJob(const std::string& name);

  /// Watches a job until it ends and returns its last event: succeeded, failed or cancelled.
  /// kCancelled if `stop` is requested; the job keeps running.
  absl::StatusOr<v1::Event> WatchJob(const std::string& name, const WatchOptions& options,
                                     WatchHandler& handler, const std::stop_token& stop = {});
  /// Creates a generation job and watches it in the same way, pictures included.
  absl::StatusOr<v1::Event> Generate(const v1::GenerateSpec& spec, WatchHandler& handler,
                                     const std::stop_token& stop = {},
                                     const JobDisplay& display = {});

  absl::StatusOr<v1::Adapter> GetAdapter(const std::string& name);
  absl::StatusOr<Listing<v1::Adapter>> ListAdapters(std::size_t limit);
  /// As UpdateConcept.
  absl::StatusOr<v1::Adapter> UpdateAdapter(const v1::Adapter& changed,
                                            const google::protobuf::FieldMask& mask);
  /// Writes the adapter to `file` after verifying its digest; on errors `file` is unchanged. If
  /// there is such a file: nothing happens if it is this adapter; otherwise kAlreadyExists before
  /// the download, unless it is to be replaced.
  absl::StatusOr<v1::Adapter> DownloadAdapter(const std::string& name,
                                              const std::filesystem::path& file,
                                              const TransferProgress& progress = {},
                                              Existing existing = Existing::kKeep);
  /// The same for the reference picture.
  absl::StatusOr<v1::Adapter> DownloadReference(const std::string& name,
                                                const std::filesystem::path& file,
                                                Existing existing = Existing::kKeep);
  /// `base_model` may be empty if the file names one.
  absl::StatusOr<v1::Adapter> ImportAdapter(const std::filesystem::path& file,
                                            const std::filesystem::path& reference,
                                            const std::string& base_model,
                                            const TransferProgress& progress = {});
  absl::Status DeleteAdapter(const std::string& name);
  /// Of the newest evaluation; kNotFound, reason NO_REPORT, before one has succeeded.
  absl::StatusOr<v1::AdapterReport> GetAdapterReport(const std::string& adapter);

  /// Stores a picture for generations: init_picture and mask_picture of a spec take its name. The
  /// server deletes it at its expire time.
  absl::StatusOr<v1::UploadedPicture> UploadPicture(const std::filesystem::path& path,
                                                    const TransferProgress& progress = {});
  /// Deletes an uploaded picture sooner. Jobs that exist keep their copies.
  absl::Status DeletePicture(const std::string& name);
  /// The bytes of a picture by its name, as "adapters/{id}/report"; their digest is verified.
  absl::StatusOr<std::string> DownloadPicture(const std::string& name);

  absl::StatusOr<std::vector<v1::BaseModel>> ListBaseModels();
  absl::StatusOr<v1::Capabilities> GetCapabilities();

 private:
  struct Link;  // channel and stubs: client/lib/link.h
  enum class BlobOfAdapter { kFile, kReference };

  explicit Client(std::unique_ptr<Link> link);
  absl::Status Download(const v1::Adapter& adapter, BlobOfAdapter which,
                        const std::filesystem::path& file, const TransferProgress& progress,
                        Existing existing);
  /// If `job` is empty, `generate` creates it.
  absl::StatusOr<v1::Event> Watch(std::string job, const v1::CreateGenerationJobRequest* generate,
                                  const WatchOptions& options, WatchHandler& handler,
                                  const std::stop_token& stop);

  std::unique_ptr<Link> link_;
};

}  // namespace vico::client
