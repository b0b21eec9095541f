// Every call a worker makes, behind one interface: the worker dials, the server answers.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/tls_files.h"
#include "common/tracing/trace_context.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::worker {

/// The right to work on a job. Both are empty for blobs put with a registration.
struct LeaseKey {
  std::string job;  ///< "jobs/{id}"
  std::string lease_id;
  TraceContext trace{};  ///< what a call of a blob is a part of
};

/// Any thread. Every call has a deadline; none is retried here.
class ServerLink {
 public:
  virtual ~ServerLink() = default;

  virtual absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) = 0;

  /// Waits at the server for up to `request.wait`; kCancelled soon after `stop` is requested.
  virtual absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                                  std::stop_token stop) = 0;

  virtual absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                                    absl::Duration timeout) = 0;

  virtual absl::StatusOr<v1::FinishResponse> Finish(const v1::FinishRequest& request) = 0;

  /// The whole blob. kDataLoss when the bytes are not those that `blob` names.
  virtual absl::StatusOr<std::string> GetBlob(const v1::BlobRef& blob, const LeaseKey& lease) = 0;

  /// `blob` must name `bytes`, see BlobRefOf.
  virtual absl::Status PutBlob(const v1::BlobRef& blob, std::string_view bytes,
                               const LeaseKey& lease) = 0;
};

/// The media type of a training's state, which no client ever sees.
inline constexpr std::string_view kCheckpointMediaType = "application/vnd.vico.checkpoint";

/// SHA-256 and size of `bytes`.
v1::BlobRef BlobRefOf(std::string_view bytes, std::string_view media_type);

/// A link over gRPC; it connects at the first call. With a certificate by TLS on both sides,
/// without one to this machine only. kInvalidArgument that names `field` for another address,
/// kFailedPrecondition for certificate files that are not as they should be.
absl::StatusOr<std::unique_ptr<ServerLink>> OpenServerLink(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls = {});

}  // namespace vico::worker
