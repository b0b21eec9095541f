// What a user does with Vico, one method each, over gRPC.
//
// Every call has a deadline. A call that found no server, or got no answer in time, is tried again
// with back-off; creating calls carry a random request id, so that a second try returns the first
// try's answer. Errors keep the server's code, message and details (common/status.h reads them); a
// local file that cannot be read is kInvalidArgument, before any call.
// One thread at a time.
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

#include "client/lib/retry.h"
#include "common/sensitive.h"
#include "common/tracing/trace_context.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/concept.pb.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/job_service.pb.h"
#include "vico/v1/model.pb.h"

namespace vico::client {

struct ClientOptions {
  std::string server = "127.0.0.1:50051";  ///< host:port
  std::string ca{};      ///< file; empty: plain on this machine, else the system's CAs
  Sensitive key{};       ///< of the API; empty: none
  TraceContext trace{};  ///< that the calls are a part of, if any
  std::chrono::milliseconds call_deadline{30'000};       ///< of a short call, its retries included
  std::chrono::milliseconds transfer_deadline{600'000};  ///< of an upload or download, likewise
  std::chrono::milliseconds stream_deadline{3'600'000};  ///< of one stream of events; then resumed
  std::chrono::milliseconds patience{60'000};  ///< a watch gives up after so long without a server
  RetryOptions retry;
};

/// Follows one job. Events come once each, in order, without a gap, across reconnections.
class WatchHandler {
 public:
  virtual ~WatchHandler() = default;

  /// The job's name, before its first event. Once.
  virtual void OnJob(const std::string& job);

  /// `bytes` are those of the blob that the event names, checked against its digest; null when
  /// pictures were not asked for or the server no longer has this one. An error ends the watch and
  /// is its result.
  virtual absl::Status OnEvent(const v1::Event& event, const std::string* bytes) = 0;

  /// The stream broke off; it is tried again after `wait`.
  virtual void OnReconnect(const absl::Status& why, std::chrono::milliseconds wait);
};

struct WatchOptions {
  std::uint64_t after_sequence = 0;  ///< skip the events up to this one
  bool include_pictures = false;     ///< bring the bytes of samples, masks, previews and pictures
};

/// Bytes sent so far, and bytes to send.
using TransferProgress = std::function<void(std::uint64_t sent, std::uint64_t total)>;

class Client {
 public:
  /// Connects at the first call. kInvalidArgument for an address that is none, kFailedPrecondition
  /// for a CA file that is not as it should be. `random` spreads the waits between tries.
  static absl::StatusOr<std::unique_ptr<Client>> Open(ClientOptions options, RandomBits random);
  ~Client();

  /// Sends the pictures' digests, then those pictures the server does not have.
  absl::StatusOr<v1::Concept> UploadConcept(const std::vector<std::filesystem::path>& files,
                                            const std::string& display_name,
                                            const TransferProgress& progress = {});
  absl::StatusOr<v1::Concept> GetConcept(const std::string& name);
  absl::StatusOr<std::vector<v1::Concept>> ListConcepts(std::size_t limit);
  absl::Status DeleteConcept(const std::string& name);

  absl::StatusOr<v1::Job> CreateTrainingJob(const v1::TrainSpec& spec);
  absl::StatusOr<v1::Job> CreateGenerationJob(const v1::GenerateSpec& spec);
  absl::StatusOr<v1::Job> GetJob(const std::string& name);
  /// Newest first. `kind` unspecified and `states` empty: any.
  absl::StatusOr<std::vector<v1::Job>> ListJobs(v1::JobKind kind,
                                                const std::vector<v1::JobState>& states,
                                                std::size_t limit);
  absl::StatusOr<v1::Job> CancelJob(const std::string& name);
  absl::StatusOr<v1::Job> RetryJob(const std::string& name);

  /// Follows a job to its end and returns its last event: succeeded, failed or cancelled.
  /// kCancelled once `stop` was requested; the job goes on.
  absl::StatusOr<v1::Event> WatchJob(const std::string& name, const WatchOptions& options,
                                     WatchHandler& handler, const std::stop_token& stop = {});
  /// Creates a generation job and follows it, pictures included, likewise.
  absl::StatusOr<v1::Event> Generate(const v1::GenerateSpec& spec, WatchHandler& handler,
                                     const std::stop_token& stop = {});

  absl::StatusOr<v1::Adapter> GetAdapter(const std::string& name);
  absl::StatusOr<std::vector<v1::Adapter>> ListAdapters(std::size_t limit);
  /// Writes the adapter's file to `file`, whole and checked or not at all.
  absl::StatusOr<v1::Adapter> DownloadAdapter(const std::string& name,
                                              const std::filesystem::path& file,
                                              const TransferProgress& progress = {});
  /// The same for the reference picture it was chosen with.
  absl::StatusOr<v1::Adapter> DownloadReference(const std::string& name,
                                                const std::filesystem::path& file);
  /// `base_model` may be empty where the file names one.
  absl::StatusOr<v1::Adapter> ImportAdapter(const std::filesystem::path& file,
                                            const std::filesystem::path& reference,
                                            const std::string& base_model,
                                            const TransferProgress& progress = {});
  absl::Status DeleteAdapter(const std::string& name);

  absl::StatusOr<std::vector<v1::BaseModel>> ListBaseModels();
  absl::StatusOr<v1::Capabilities> GetCapabilities();

 private:
  struct Link;  // channel and stubs: client/link.h
  enum class BlobOfAdapter { kFile, kReference };

  explicit Client(std::unique_ptr<Link> link);
  absl::Status Download(const v1::Adapter& adapter, BlobOfAdapter which,
                        const std::filesystem::path& file, const TransferProgress& progress);
  /// `job` is empty when `generate` is still to create it.
  absl::StatusOr<v1::Event> Follow(std::string job, const v1::CreateGenerationJobRequest* generate,
                                   const WatchOptions& options, WatchHandler& handler,
                                   const std::stop_token& stop);

  std::unique_ptr<Link> link_;
};

}  // namespace vico::client
