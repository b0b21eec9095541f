// Client's uploads and downloads. The receiver checks the SHA-256 of all bytes.
#include <algorithm>
#include <optional>
#include <set>
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

// One call of UploadConcept: the header, then the pictures at `indices`.
absl::StatusOr<v1::UploadConceptResponse> SendConcept(v1::ConceptService::Stub& stub,
                                                      grpc::ClientContext& context,
                                                      const v1::UploadConceptRequest& header,
                                                      const std::vector<LocalFile>& files,
                                                      const std::vector<int>& indices,
                                                      const TransferProgress& progress) {
  std::uint64_t total_bytes = 0;
  for (const int index : indices) total_bytes += files[index].size_bytes;
  v1::UploadConceptResponse response;
  Upload upload(context, stub.UploadConcept(&context, &response), total_bytes, progress);
  upload.Write(header);
  for (const int index : indices) {
    upload.Send(files[index], [index](std::string&& piece) {
      v1::UploadConceptRequest message;
      message.mutable_chunk()->set_picture_index(index);
      message.mutable_chunk()->set_data(std::move(piece));
      return message;
    });
  }
  RETURN_IF_ERROR(upload.Finish());
  return response;
}

// Indices of the pictures to send: the first with each missing digest.
std::vector<int> Indices(const std::vector<LocalFile>& files,
                         const v1::UploadConceptResponse& response) {
  std::set<std::string> missing(response.missing_sha256().begin(), response.missing_sha256().end());
  std::vector<int> indices;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (missing.erase(files[i].sha256) > 0) indices.push_back(static_cast<int>(i));
  }
  return indices;
}

}  // namespace

absl::StatusOr<v1::Concept> Client::UploadConcept(const std::vector<std::filesystem::path>& files,
                                                  const std::string& display_name,
                                                  const TransferProgress& progress) {
  std::vector<LocalFile> pictures;
  v1::UploadConceptRequest header;
  header.mutable_header()->set_request_id(NewId());
  header.mutable_header()->set_display_name(display_name);
  std::string unusable;
  for (const std::filesystem::path& path : files) {
    absl::StatusOr<LocalFile> described = Describe(path);
    if (!described.ok()) {
      unusable += (unusable.empty() ? "" : "; ") + std::string(described.status().message());
      continue;
    }
    LocalFile file = *std::move(described);
    auto* picture = header.mutable_header()->add_pictures();
    picture->set_sha256(file.sha256);
    picture->set_size_bytes(file.size_bytes);
    picture->set_file_name(NameForServer(file));
    pictures.push_back(std::move(file));
  }
  if (!unusable.empty()) return absl::InvalidArgumentError(unusable);

  v1::Concept uploaded;
  const auto attempt = [&](Link::Deadline deadline) -> absl::Status {
    // The first call sends only the digests.
    std::vector<int> indices;
    // Two rounds are usual. There are more if the server deletes a picture in the meantime.
    for (int round = 0; round < 4; ++round) {
      grpc::ClientContext context;
      link_->Prepare(context, deadline);
      ASSIGN_OR_RETURN(auto response,
                       SendConcept(*link_->concepts, context, header, pictures, indices, progress));
      if (response.has_uploaded_concept()) {
        uploaded = std::move(*response.mutable_uploaded_concept());
        return absl::OkStatus();
      }
      indices = Indices(pictures, response);
      if (indices.empty()) break;
    }
    return absl::InternalError("the server reports pictures as missing that it has received");
  };
  const auto total = link_->options.transfer_deadline;
  RETURN_IF_ERROR(link_->Retry(total, total, attempt));
  return uploaded;
}

absl::StatusOr<v1::Adapter> Client::ImportAdapter(const std::filesystem::path& file,
                                                  const std::filesystem::path& reference,
                                                  const std::string& base_model,
                                                  const TransferProgress& progress) {
  ASSIGN_OR_RETURN(const LocalFile adapter, Describe(file));
  ASSIGN_OR_RETURN(const LocalFile picture, Describe(reference));
  v1::ImportAdapterRequest message;
  auto& header = *message.mutable_header();
  header.set_request_id(NewId());
  header.set_base_model(base_model);
  header.set_size_bytes(adapter.size_bytes);
  header.set_sha256(adapter.sha256);
  header.set_reference_size_bytes(picture.size_bytes);
  header.set_reference_sha256(picture.sha256);

  v1::Adapter imported;
  const auto attempt = [&](Link::Deadline deadline) -> absl::Status {
    grpc::ClientContext context;
    link_->Prepare(context, deadline);
    Upload upload(context, link_->adapters->ImportAdapter(&context, &imported),
                  adapter.size_bytes + picture.size_bytes, progress);
    upload.Write(message);
    for (const bool is_reference : {true, false}) {
      upload.Send(is_reference ? picture : adapter, [is_reference](std::string&& piece) {
        v1::ImportAdapterRequest chunk;
        chunk.mutable_chunk()->set_reference(is_reference);
        chunk.mutable_chunk()->set_data(std::move(piece));
        return chunk;
      });
    }
    return upload.Finish();
  };
  const auto total = link_->options.transfer_deadline;
  RETURN_IF_ERROR(link_->Retry(total, total, attempt));
  return imported;
}

absl::Status Client::Download(const v1::Adapter& adapter, BlobOfAdapter which,
                              const std::filesystem::path& file, const TransferProgress& progress,
                              Existing existing) {
  const v1::BlobRef& blob =
      which == BlobOfAdapter::kReference ? adapter.reference() : adapter.blob();
  if (existing == Existing::kKeep) {
    ASSIGN_OR_RETURN(const bool there, IsThere(file, blob.sha256()));
    if (there) return absl::OkStatus();
  }
  v1::DownloadAdapterRequest request;
  request.set_name(adapter.name());
  request.set_reference(which == BlobOfAdapter::kReference);
  const auto attempt = [&](Link::Deadline deadline) -> absl::Status {
    ASSIGN_OR_RETURN(AtomicFile out, AtomicFile::Create(file));
    grpc::ClientContext context;
    link_->Prepare(context, deadline);
    const auto reader = link_->adapters->DownloadAdapter(&context, request);
    v1::DownloadAdapterResponse response;
    Sha256 digest;
    std::uint64_t received = 0;
    bool last = false;
    absl::Status local = absl::OkStatus();
    while (local.ok() && reader->Read(&response)) {
      if (response.offset() != received || last) {
        local = absl::DataLossError(fmt::format("{}: expected bytes at offset {}, got offset {}",
                                                adapter.name(), received, response.offset()));
        break;
      }
      digest.Update(response.data());
      received += response.data().size();
      last = response.last();
      local = out.Write(response.data());
      if (progress) progress(received, blob.size_bytes());
    }
    if (!local.ok()) context.TryCancel();
    const absl::Status remote = FromGrpc(reader->Finish());
    RETURN_IF_ERROR(local);
    RETURN_IF_ERROR(remote);
    if (!last || digest.HexDigest() != blob.sha256()) {
      return absl::DataLossError(
          fmt::format("{}: the bytes do not match their SHA-256", adapter.name()));
    }
    return out.Commit(existing);
  };
  const auto total = link_->options.transfer_deadline;
  return link_->Retry(total, total, attempt);
}

absl::StatusOr<v1::Adapter> Client::DownloadAdapter(const std::string& name,
                                                    const std::filesystem::path& file,
                                                    const TransferProgress& progress,
                                                    Existing existing) {
  ASSIGN_OR_RETURN(v1::Adapter adapter, GetAdapter(name));
  RETURN_IF_ERROR(Download(adapter, BlobOfAdapter::kFile, file, progress, existing));
  return adapter;
}

absl::StatusOr<v1::Adapter> Client::DownloadReference(const std::string& name,
                                                      const std::filesystem::path& file,
                                                      Existing existing) {
  ASSIGN_OR_RETURN(v1::Adapter adapter, GetAdapter(name));
  RETURN_IF_ERROR(Download(adapter, BlobOfAdapter::kReference, file, {}, existing));
  return adapter;
}

}  // namespace vico::client
