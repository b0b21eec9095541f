#include "worker/job/server_link.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "common/crypto/sha256.h"
#include "common/failpoint.h"
#include "common/proto_time.h"
#include "common/rpc/address.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_grpc.h"
#include "common/rpc/trace_metadata.h"
#include "common/status.h"
#include "vico/v1/worker.grpc.pb.h"

namespace vico::worker {
namespace {

constexpr absl::Duration kUnaryTimeout = absl::Seconds(30);
constexpr absl::Duration kConnectTimeout = absl::Seconds(2);
constexpr absl::Duration kLeaseMargin = absl::Seconds(10);  // on top of the long poll's wait
constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr uint64_t kSlowestBytesPerSecond = uint64_t{64} * 1024;

absl::Duration TransferTimeout(uint64_t size_bytes) {
  return kUnaryTimeout + absl::Seconds(static_cast<int64_t>(size_bytes / kSlowestBytesPerSecond));
}

gpr_timespec After(absl::Duration timeout) {
  const auto span = absl::ToChronoNanoseconds(timeout);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(span.count(), GPR_TIMESPAN));
}

class GrpcServerLink final : public ServerLink {
 public:
  GrpcServerLink(std::string address, const std::shared_ptr<grpc::Channel>& channel)
      : address_(std::move(address)),
        channel_(channel),
        stub_(v1::WorkerService::NewStub(channel)) {}

  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) override {
    RETURN_IF_ERROR(Connect());
    grpc::ClientContext context;
    context.set_deadline(After(kUnaryTimeout));
    v1::RegisterResponse response;
    RETURN_IF_ERROR(FromGrpc(stub_->Register(&context, request, &response)));
    return response;
  }

  absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                          std::stop_token stop) override {
    RETURN_IF_ERROR(Connect());
    grpc::ClientContext context;
    context.set_deadline(After(FromProto(request.wait()) + kLeaseMargin));
    const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
    v1::LeaseResponse response;
    RETURN_IF_ERROR(FromGrpc(stub_->Lease(&context, request, &response)));
    return response;
  }

  absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                            absl::Duration timeout) override {
    RETURN_IF_ERROR(Connect(timeout / 2));
    grpc::ClientContext context;
    context.set_deadline(After(timeout));
    v1::ReportResponse response;
    RETURN_IF_ERROR(FromGrpc(stub_->Report(&context, request, &response)));
    return response;
  }

  absl::StatusOr<v1::FinishResponse> Finish(const v1::FinishRequest& request) override {
    RETURN_IF_ERROR(Connect());
    grpc::ClientContext context;
    context.set_deadline(After(kUnaryTimeout));
    v1::FinishResponse response;
    RETURN_IF_ERROR(FromGrpc(stub_->Finish(&context, request, &response)));
    return response;
  }

  absl::StatusOr<std::string> GetBlob(const v1::BlobRef& blob, const LeaseKey& lease) override {
    RETURN_IF_ERROR(Connect());
    grpc::ClientContext context;
    context.set_deadline(After(TransferTimeout(blob.size_bytes())));
    AddTrace(lease.trace, context);
    v1::GetBlobRequest request;
    request.set_sha256(blob.sha256());
    request.set_job(lease.job);
    request.set_lease_id(lease.lease_id);
    const auto reader = stub_->GetBlob(&context, request);
    std::string bytes;
    Sha256 digest;
    v1::GetBlobResponse chunk;
    while (reader->Read(&chunk)) {
      if (bytes.size() + chunk.data().size() > blob.size_bytes()) {
        context.TryCancel();
        return absl::DataLossError(
            fmt::format("blob {} is longer than its {} bytes", blob.sha256(), blob.size_bytes()));
      }
      digest.Update(chunk.data());
      bytes += chunk.data();
    }
    RETURN_IF_ERROR(FromGrpc(reader->Finish()));
    if (bytes.size() != blob.size_bytes()) {
      return absl::DataLossError(fmt::format("blob {} must have {} bytes, got {}", blob.sha256(),
                                             blob.size_bytes(), bytes.size()));
    }
    if (digest.HexDigest() != blob.sha256()) {
      return absl::DataLossError(fmt::format("blob {} does not match its digest", blob.sha256()));
    }
    return bytes;
  }

  absl::Status PutBlob(const v1::BlobRef& blob, std::string_view bytes,
                       const LeaseKey& lease) override {
    RETURN_IF_ERROR(Connect());
    grpc::ClientContext context;
    context.set_deadline(After(TransferTimeout(blob.size_bytes())));
    AddTrace(lease.trace, context);
    v1::BlobRef stored;
    const auto writer = stub_->PutBlob(&context, &stored);
    v1::PutBlobRequest part;
    auto& header = *part.mutable_header();
    *header.mutable_blob() = blob;
    header.set_job(lease.job);
    header.set_lease_id(lease.lease_id);
    // False if the server has already answered; Finish returns the answer.
    bool open = writer->Write(part);
    for (size_t at = 0; open && at < bytes.size(); at += kChunkBytes) {
      const std::string_view chunk = bytes.substr(at, kChunkBytes);
      part.set_data(chunk.data(), chunk.size());
      open = writer->Write(part);
      if (blob.media_type() == kCheckpointMediaType) {
        VICO_FAILPOINT("ckpt.mid_upload");
      } else if (!lease.job.empty()) {
        VICO_FAILPOINT("result.mid_upload");
      }
    }
    if (open) writer->WritesDone();
    RETURN_IF_ERROR(FromGrpc(writer->Finish()));
    if (stored.sha256() != blob.sha256()) {
      return absl::DataLossError(
          fmt::format("blob {} was stored as {}", blob.sha256(), stored.sha256()));
    }
    return absl::OkStatus();
  }

 private:
  /// kUnavailable if there is no connection within `timeout`. A channel reconnects only while
  /// something polls it. Between calls that fail at once it would notice the server's return after
  /// up to five seconds.
  absl::Status Connect(absl::Duration timeout = kConnectTimeout) {
    if (channel_->WaitForConnected(After(std::min(timeout, kConnectTimeout)))) {
      return absl::OkStatus();
    }
    // The caller has a back-off of its own.
    grpc::experimental::ChannelResetConnectionBackoff(channel_.get());
    return absl::UnavailableError(fmt::format("no connection to {}", address_));
  }

  const std::string address_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::WorkerService::Stub> stub_;
};

}  // namespace

v1::BlobRef BlobRefOf(std::string_view bytes, std::string_view media_type) {
  v1::BlobRef blob;
  blob.set_sha256(Sha256Hex(bytes));
  blob.set_size_bytes(bytes.size());
  blob.set_media_type(std::string(media_type));
  return blob;
}

absl::StatusOr<std::unique_ptr<ServerLink>> OpenServerLink(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls) {
  if (tls.certificate.empty()) RETURN_IF_ERROR(CheckLoopback(field, address));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, OpenChannel(field, address, tls));
  return std::make_unique<GrpcServerLink>(address, channel);
}

}  // namespace vico::worker
