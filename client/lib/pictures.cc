// The client's calls about single pictures.
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "client/lib/client.h"
#include "client/lib/link.h"
#include "client/lib/local_file.h"
#include "client/lib/upload.h"
#include "common/crypto/sha256.h"
#include "common/ids.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::uint64_t kMostPictureBytes = std::uint64_t{64} << 20;

/// Reads one stream to its end. The bytes are those of the header's digest.
absl::StatusOr<std::string> ReadPicture(grpc::ClientContext& context,
                                        v1::PictureService::Stub& stub,
                                        const v1::DownloadPictureRequest& request) {
  const auto reader = stub.DownloadPicture(&context, request);
  v1::DownloadPictureResponse response;
  std::string bytes;
  std::string sha256;
  while (reader->Read(&response)) {
    if (response.has_header()) sha256 = response.header().sha256();
    bytes += response.chunk().data();
    if (bytes.size() > kMostPictureBytes) {
      context.TryCancel();
      return absl::DataLossError(
          fmt::format("{}: has more than {} bytes", request.name(), kMostPictureBytes));
    }
  }
  RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  if (Sha256Hex(bytes) == sha256) return bytes;
  return absl::DataLossError(
      fmt::format("{}: the bytes do not match their SHA-256", request.name()));
}

v1::UploadPictureRequest HeaderOf(const LocalFile& file) {
  v1::UploadPictureRequest message;
  v1::UploadPictureRequest::Header& header = *message.mutable_header();
  header.set_request_id(NewId());
  header.set_sha256(file.sha256);
  header.set_size_bytes(file.size_bytes);
  header.set_file_name(NameForServer(file));
  return message;
}

v1::UploadPictureRequest ChunkOf(std::string&& piece) {
  v1::UploadPictureRequest message;
  message.mutable_chunk()->set_data(std::move(piece));
  return message;
}

}  // namespace

absl::StatusOr<v1::UploadedPicture> Client::UploadPicture(const std::filesystem::path& path,
                                                          const TransferProgress& progress) {
  ASSIGN_OR_RETURN(const LocalFile file, Describe(path));
  const v1::UploadPictureRequest header = HeaderOf(file);
  v1::UploadPictureResponse response;
  const auto attempt = [&](Link::Deadline deadline) -> absl::Status {
    grpc::ClientContext context;
    link_->Prepare(context, deadline);
    Upload upload(context, link_->pictures->UploadPicture(&context, &response), file.size_bytes,
                  progress);
    upload.Write(header);
    upload.Send(file, ChunkOf);
    return upload.Finish();
  };
  const auto total = link_->options.transfer_deadline;
  RETURN_IF_ERROR(link_->Retry(total, total, attempt));
  return std::move(*response.mutable_uploaded_picture());
}

absl::Status Client::DeletePicture(const std::string& name) {
  v1::DeletePictureRequest request;
  request.set_name(name);
  return link_->Call(*link_->pictures, &v1::PictureService::Stub::DeletePicture, request).status();
}

absl::StatusOr<std::string> Client::DownloadPicture(const std::string& name) {
  v1::DownloadPictureRequest request;
  request.set_name(name);
  std::string bytes;
  const auto attempt = [&](Link::Deadline deadline) -> absl::Status {
    grpc::ClientContext context;
    link_->Prepare(context, deadline);
    ASSIGN_OR_RETURN(bytes, ReadPicture(context, *link_->pictures, request));
    return absl::OkStatus();
  };
  const auto total = link_->options.transfer_deadline;
  RETURN_IF_ERROR(link_->Retry(total, total, attempt));
  return bytes;
}

}  // namespace vico::client
