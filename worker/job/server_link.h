// Interface of the worker's calls to the server.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/rpc/tls_files.h"
#include "common/tracing/trace_context.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::worker {

/// Identifies the lease of a job. Job and lease id are empty for the blobs of a registration.
struct LeaseKey {
  std::string job;  ///< "jobs/{id}"
  std::string lease_id;
  TraceContext trace{};  ///< parent span of blob transfers
};

/// Any thread. Every call has a deadline and is tried once.
class ServerLink {
 public:
  virtual ~ServerLink() = default;

  virtual absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) = 0;

  /// A long poll of up to `request.wait`; kCancelled soon after `stop` is requested.
  virtual absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                                  std::stop_token stop) = 0;

  virtual absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                                    absl::Duration timeout) = 0;

  virtual absl::StatusOr<v1::FinishResponse> Finish(const v1::FinishRequest& request) = 0;

  /// Downloads a whole blob. kDataLoss if size or digest differ from `blob`.
  virtual absl::StatusOr<std::string> GetBlob(const v1::BlobRef& blob, const LeaseKey& lease) = 0;

  /// Uploads a blob. `blob` must be BlobRefOf(bytes).
  virtual absl::Status PutBlob(const v1::BlobRef& blob, std::string_view bytes,
                               const LeaseKey& lease) = 0;
};

/// Media types of blobs.
inline constexpr std::string_view kPngMediaType = "image/png";
inline constexpr std::string_view kCheckpointMediaType = "application/vnd.vico.checkpoint";

/// Digest, size and type of a blob with these bytes.
v1::BlobRef BlobRefOf(std::string_view bytes, std::string_view media_type);

/// A link over gRPC, which connects at the first call: by mutual TLS with a certificate, and
/// without one to loopback only. kInvalidArgument naming `field` for another address,
/// kFailedPrecondition for missing or invalid certificate files.
absl::StatusOr<std::unique_ptr<ServerLink>> OpenServerLink(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls = {});

}  // namespace vico::worker
