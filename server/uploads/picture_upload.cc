#include "server/uploads/picture_upload.h"

#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "server/checks/request.h"
#include "server/uploads/uploaded_bytes.h"

namespace vico::server {

PictureUpload::PictureUpload(Stores& stores, std::string tenant, Time deadline)
    : stores_(stores), tenant_(std::move(tenant)), deadline_(deadline) {}

absl::Status PictureUpload::Consume(v1::UploadPictureRequest message) {
  switch (message.part_case()) {
    case v1::UploadPictureRequest::kHeader:
      return ConsumeHeader(std::move(*message.mutable_header()));
    case v1::UploadPictureRequest::kChunk:
      return ConsumeChunk(message.chunk());
    default:
      return FieldError("part", "must be a header or a chunk");
  }
}

absl::Status PictureUpload::ConsumeHeader(v1::UploadPictureRequest::Header header) {
  if (has_header_) return FieldError("header", "must come once, first");
  CleanFileName(header);
  RETURN_IF_ERROR(CheckPictureHeader(header));
  has_header_ = true;
  header_ = std::move(header);
  key_ = {.tenant = tenant_,
          .request_id = header_.request_id(),
          .body_hash = Sha256Hex("UploadPicture\n" + header_.SerializeAsString())};
  auto first = stores_.catalog.FindUploadedByRequest(key_);
  if (first.ok()) {
    first_answer_ = std::make_unique<v1::UploadedPicture>(*std::move(first));
    return absl::OkStatus();
  }
  if (Reason(first.status()) != "REQUEST_IS_NEW") return first.status();
  return stores_.admission.Upload();
}

absl::Status PictureUpload::ConsumeChunk(const v1::UploadPictureRequest::Chunk& chunk) {
  if (!has_header_) return FieldError("header", "must come before the first chunk");
  RETURN_IF_ERROR(CheckChunk("chunk.data", chunk.data()));
  if (bytes_.size() + chunk.data().size() > header_.size_bytes()) {
    return FieldError("chunk.data",
                      fmt::format("exceeds the {} bytes announced", header_.size_bytes()));
  }
  // At once, since a string that grows holds its bytes twice for a while.
  if (bytes_.empty()) bytes_.reserve(header_.size_bytes());
  bytes_ += chunk.data();
  return absl::OkStatus();
}

/// Whether everything that was announced has arrived.
absl::Status PictureUpload::CheckWhole() const {
  if (bytes_.size() != header_.size_bytes()) {
    return FieldError("header.size_bytes", fmt::format("got {} bytes, {} were announced",
                                                       bytes_.size(), header_.size_bytes()));
  }
  if (Sha256Hex(bytes_) != header_.sha256()) {
    return FieldError("header.sha256", "the bytes do not have the digest announced");
  }
  return absl::OkStatus();
}

/// Checks and normalises the picture and stores its bytes.
absl::StatusOr<v1::UploadedPicture> PictureUpload::Store() {
  RETURN_IF_ERROR(CheckWhole());
  ASSIGN_OR_RETURN(const NormalisedPicture normalised,
                   NormaliseInTurn(stores_, tenant_, deadline_, "picture", bytes_));
  v1::UploadedPicture picture;
  ASSIGN_OR_RETURN(*picture.mutable_blob(),
                   PutBlob(stores_.blobs, tenant_, normalised.png, "image/png"));
  picture.set_width(normalised.width);
  picture.set_height(normalised.height);
  return picture;
}

/// Whether a repeat sends the bytes again and those of the first request are lost or damaged.
bool PictureUpload::MustRepair() const {
  return !bytes_.empty() && !IsIntact(stores_, tenant_, first_answer_->blob());
}

absl::Status PictureUpload::Finish(v1::UploadPictureResponse& answer) {
  if (!has_header_) return FieldError("header", "must be sent");
  if (first_answer_) {
    if (MustRepair()) RETURN_IF_ERROR(Store().status());
    *answer.mutable_uploaded_picture() = std::move(*first_answer_);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(v1::UploadedPicture picture, Store());
  ASSIGN_OR_RETURN(*answer.mutable_uploaded_picture(),
                   stores_.catalog.CreateUploaded(key_, std::move(picture)));
  return absl::OkStatus();
}

}  // namespace vico::server
