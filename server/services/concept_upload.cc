#include "server/services/concept_upload.h"

#include <utility>

#include <fmt/format.h>

#include "common/sha256.h"
#include "common/status.h"
#include "server/checks/request.h"

namespace vico::server {
namespace {

constexpr uint64_t kMaxNormalisedBytes = uint64_t{256}
                                         << 20;  // PNG of the largest picture, and more

std::string PictureField(int index) { return fmt::format("pictures[{}]", index); }

}  // namespace

ConceptUpload::ConceptUpload(Stores& stores, std::string tenant)
    : stores_(stores), tenant_(std::move(tenant)) {}

absl::Status ConceptUpload::Take(v1::UploadConceptRequest message) {
  switch (message.part_case()) {
    case v1::UploadConceptRequest::kHeader:
      return TakeHeader(std::move(*message.mutable_header()));
    case v1::UploadConceptRequest::kChunk:
      return TakeChunk(std::move(*message.mutable_chunk()));
    default:
      return FieldError("part", "must be a header or a chunk");
  }
}

absl::Status ConceptUpload::TakeHeader(v1::UploadConceptRequest::Header header) {
  if (has_header_) return FieldError("header", "must come once, first");
  RETURN_IF_ERROR(CheckUploadHeader(header));
  has_header_ = true;
  header_ = std::move(header);
  key_ = {.tenant = tenant_,
          .request_id = header_.request_id(),
          .body_hash = Sha256Hex("UploadConcept\n" + header_.SerializeAsString())};
  auto made = stores_.catalog.FindConceptByRequest(key_);
  if (made.ok()) {
    made_before_ = std::make_unique<v1::Concept>(*std::move(made));
    return absl::OkStatus();
  }
  if (!absl::IsNotFound(made.status())) return made.status();
  RETURN_IF_ERROR(stores_.admission.Upload());
  return FindAll().status();
}

absl::Status ConceptUpload::TakeChunk(v1::UploadConceptRequest::Chunk chunk) {
  if (!has_header_) return FieldError("header", "must come before the first chunk");
  RETURN_IF_ERROR(CheckChunk("chunk.data", chunk.data()));
  const int index = chunk.picture_index();
  if (index < 0 || index >= header_.pictures_size()) {
    return FieldError("chunk.picture_index",
                      fmt::format("must be 0..{}, got {}", header_.pictures_size() - 1, index));
  }
  const auto& picture = header_.pictures(index);
  if (made_before_ || (current_ != index && pictures_.contains(picture.sha256()))) {
    return absl::OkStatus();  // the server has it: sent for nothing
  }
  if (current_ != -1 && current_ != index) {
    return FieldError(
        "chunk.picture_index",
        fmt::format("{} began before {} was whole", PictureField(index), PictureField(current_)));
  }
  current_ = index;
  bytes_ += chunk.data();
  if (bytes_.size() > picture.size_bytes()) {
    return FieldError(PictureField(index),
                      fmt::format("has more than the {} bytes announced", picture.size_bytes()));
  }
  return bytes_.size() == picture.size_bytes() ? TakeWhole() : absl::OkStatus();
}

/// All bytes of the current picture are here: checks, normalises and stores it.
absl::Status ConceptUpload::TakeWhole() {
  const int index = std::exchange(current_, -1);
  const std::string bytes = std::exchange(bytes_, {});
  const auto& announced = header_.pictures(index);
  if (Sha256Hex(bytes) != announced.sha256()) {
    return FieldError(PictureField(index), "its bytes do not have the digest announced");
  }
  absl::StatusOr<TakenPicture> taken = TakePicture(bytes, stores_.decoder);
  if (!taken.ok()) return PictureError(PictureField(index), taken.status());

  v1::ConceptPicture picture;
  ASSIGN_OR_RETURN(*picture.mutable_blob(),
                   PutBlob(stores_.blobs, tenant_, taken->png, "image/png"));
  picture.set_width(taken->width);
  picture.set_height(taken->height);
  picture.set_source_sha256(announced.sha256());
  picture.set_file_name(announced.file_name());
  RETURN_IF_ERROR(stores_.catalog.SavePicture(tenant_, picture));
  fingerprints_[announced.sha256()] = taken->fingerprint;
  pictures_[announced.sha256()] = std::move(picture);
  return absl::OkStatus();
}

/// Looks for pictures that came with an earlier call: true when none is missing any more.
absl::StatusOr<bool> ConceptUpload::FindAll() {
  bool all = true;
  for (const auto& announced : header_.pictures()) {
    if (pictures_.contains(announced.sha256())) continue;
    auto found = stores_.catalog.FindPicture(tenant_, announced.sha256());
    if (found.ok() && CheckBlob(stores_.blobs, tenant_, found->blob()).ok()) {
      pictures_[announced.sha256()] = *std::move(found);
    } else if (found.ok() || absl::IsNotFound(found.status())) {
      all = false;
    } else {
      return found.status();
    }
  }
  return all;
}

absl::Status ConceptUpload::Finish(v1::UploadConceptResponse& answer) {
  if (!has_header_) return FieldError("header", "must be sent");
  if (made_before_) {
    *answer.mutable_uploaded_concept() = std::move(*made_before_);
    return absl::OkStatus();
  }
  if (current_ != -1) {
    return FieldError(PictureField(current_),
                      fmt::format("ended after {} of {} bytes", bytes_.size(),
                                  header_.pictures(current_).size_bytes()));
  }
  ASSIGN_OR_RETURN(const bool all, FindAll());
  if (!all) {
    AddMissing(answer);
    return absl::OkStatus();
  }
  v1::Concept uploaded;
  uploaded.set_display_name(header_.display_name());
  for (const auto& announced : header_.pictures()) {
    v1::ConceptPicture& picture = *uploaded.add_pictures();
    picture = pictures_.at(announced.sha256());
    picture.set_file_name(announced.file_name());
  }
  RETURN_IF_ERROR(AddWarnings(uploaded));
  auto made = stores_.catalog.CreateConcept(key_, std::move(uploaded));
  if (Reason(made.status()) == "BLOB_MISSING")
    return AskAgain(answer);  // collected under our hands
  if (!made.ok()) return made.status();
  *answer.mutable_uploaded_concept() = *std::move(made);
  return absl::OkStatus();
}

void ConceptUpload::AddMissing(v1::UploadConceptResponse& answer) const {
  std::set<std::string> named;
  for (const auto& announced : header_.pictures()) {
    const std::string& digest = announced.sha256();
    if (!pictures_.contains(digest) && named.insert(digest).second) {
      answer.add_missing_sha256(digest);
    }
  }
}

/// A picture that was here is not any more: says which.
absl::Status ConceptUpload::AskAgain(v1::UploadConceptResponse& answer) {
  pictures_.clear();
  ASSIGN_OR_RETURN(const bool all, FindAll());
  if (all) return absl::UnavailableError("pictures: were being deleted; call again");
  AddMissing(answer);
  return absl::OkStatus();
}

/// Says which pictures look the same.
absl::Status ConceptUpload::AddWarnings(v1::Concept& uploaded) {
  std::vector<Fingerprint> fingerprints;
  for (const v1::ConceptPicture& picture : uploaded.pictures()) {
    const auto known = fingerprints_.find(picture.source_sha256());
    if (known != fingerprints_.end()) {
      fingerprints.push_back(known->second);
      continue;
    }
    ASSIGN_OR_RETURN(const std::string png,
                     GetBlob(stores_.blobs, tenant_, picture.blob().sha256(), kMaxNormalisedBytes));
    ASSIGN_OR_RETURN(fingerprints.emplace_back(), FingerprintOf(png));
  }
  for (const auto& [first, second] : Duplicates(fingerprints)) {
    v1::Event::Warning& warning = *uploaded.add_warnings();
    warning.set_reason("DUPLICATE_PICTURES");
    warning.set_message(fmt::format("{} and {} look the same",
                                    PictureField(static_cast<int>(first)),
                                    PictureField(static_cast<int>(second))));
  }
  return absl::OkStatus();
}

}  // namespace vico::server
