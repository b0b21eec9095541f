#include "server/uploads/concept_upload.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "server/checks/request.h"
#include "server/resources/shown_job.h"
#include "server/uploads/uploaded_bytes.h"

namespace vico::server {
namespace {

/// What is stored with a picture: its packed fingerprint, then its warnings as a v1::Concept.
std::string PackNotes(const NormalisedPicture& picture) {
  v1::Concept notes;
  for (const PictureWarning& warning : picture.warnings) {
    *notes.add_warnings() = WarningOf(warning.reason, warning.text);
  }
  return PackFingerprint(picture.fingerprint) + notes.SerializeAsString();
}

/// Fills in `picture`; false for a row of an older version, which has no fingerprint.
bool UnpackNotes(std::string_view packed, Fingerprint& fingerprint,
                 std::vector<PictureWarning>& warnings) {
  const std::string_view front = packed.substr(0, kPackedFingerprintBytes);
  const std::string_view back = packed.substr(front.size());
  const std::optional<Fingerprint> unpacked = UnpackFingerprint(front);
  v1::Concept notes;
  if (!unpacked || !notes.ParseFromArray(back.data(), static_cast<int>(back.size()))) return false;
  fingerprint = *unpacked;
  for (const v1::Event::Warning& warning : notes.warnings()) {
    warnings.push_back({warning.reason(), warning.message()});
  }
  return true;
}

std::string PictureField(int index) { return fmt::format("pictures[{}]", index); }

}  // namespace

ConceptUpload::ConceptUpload(Stores& stores, std::string tenant, Time deadline)
    : stores_(stores), tenant_(std::move(tenant)), deadline_(deadline) {}

absl::Status ConceptUpload::Consume(v1::UploadConceptRequest message) {
  switch (message.part_case()) {
    case v1::UploadConceptRequest::kHeader:
      return ConsumeHeader(std::move(*message.mutable_header()));
    case v1::UploadConceptRequest::kChunk:
      return ConsumeChunk(message.chunk());
    default:
      return FieldError("part", "must be a header or a chunk");
  }
}

absl::Status ConceptUpload::ConsumeHeader(v1::UploadConceptRequest::Header header) {
  if (has_header_) return FieldError("header", "must come once, first");
  CleanFileNames(header);
  RETURN_IF_ERROR(CheckUploadHeader(header));
  has_header_ = true;
  header_ = std::move(header);
  key_ = {.tenant = tenant_,
          .request_id = header_.request_id(),
          .body_hash = Sha256Hex("UploadConcept\n" + header_.SerializeAsString())};
  auto first = stores_.catalog.FindConceptByRequest(key_);
  if (first.ok()) {
    first_answer_ = std::make_unique<v1::Concept>(*std::move(first));
    return absl::OkStatus();
  }
  if (Reason(first.status()) != "REQUEST_IS_NEW") return first.status();
  RETURN_IF_ERROR(stores_.admission.Upload());
  return FindStored().status();
}

absl::Status ConceptUpload::ConsumeChunk(const v1::UploadConceptRequest::Chunk& chunk) {
  if (!has_header_) return FieldError("header", "must come before the first chunk");
  RETURN_IF_ERROR(CheckChunk("chunk.data", chunk.data()));
  const int index = chunk.picture_index();
  if (index < 0 || index >= header_.pictures_size()) {
    return FieldError("chunk.picture_index",
                      fmt::format("must be 0..{}, got {}", header_.pictures_size() - 1, index));
  }
  const auto& picture = header_.pictures(index);
  if (current_ != index && bad_.contains(picture.sha256())) return absl::OkStatus();
  if (current_ != -1 && current_ != index) {
    return FieldError("chunk.picture_index",
                      fmt::format("{} started before {} was complete", PictureField(index),
                                  PictureField(current_)));
  }
  current_ = index;
  // At once, since a string that grows holds its bytes twice for a while.
  if (bytes_.empty()) bytes_.reserve(picture.size_bytes());
  bytes_ += chunk.data();
  if (bytes_.size() > picture.size_bytes()) {
    return FieldError(PictureField(index),
                      fmt::format("has more than the {} bytes announced", picture.size_bytes()));
  }
  return bytes_.size() == picture.size_bytes() ? TakeCurrent() : absl::OkStatus();
}

/// Stores the current picture, whose bytes are complete. If it is bad, the upload goes on, to check
/// the other pictures.
absl::Status ConceptUpload::TakeCurrent() {
  const int index = std::exchange(current_, -1);
  const std::string bytes = std::exchange(bytes_, {});
  const auto& announced = header_.pictures(index);
  if (IsIntact(announced.sha256())) return absl::OkStatus();
  absl::Status stored = Store(announced, bytes, PictureField(index));
  if (Field(stored).empty()) return stored;
  bad_.insert(announced.sha256());
  errors_.Add(stored);
  return absl::OkStatus();
}

/// Whether the picture with this digest is stored and its bytes are sound. Bytes that a client
/// sends again repair a picture whose blob is lost or damaged, also in a repeat of a finished
/// upload.
bool ConceptUpload::IsIntact(const std::string& source_sha256) {
  const v1::BlobRef* blob = nullptr;
  if (const auto found = pictures_.find(source_sha256); found != pictures_.end()) {
    blob = &found->second.message.blob();
  } else if (first_answer_) {
    for (const v1::ConceptPicture& picture : first_answer_->pictures()) {
      if (picture.source_sha256() == source_sha256) blob = &picture.blob();
    }
  }
  return blob != nullptr && server::IsIntact(stores_, tenant_, *blob);
}

/// Checks, normalises and stores a picture.
absl::Status ConceptUpload::Store(const v1::UploadConceptRequest::Header::Picture& announced,
                                  const std::string& bytes, const std::string& field) {
  if (Sha256Hex(bytes) != announced.sha256()) {
    return FieldError(field, "its bytes do not have the digest announced");
  }
  ASSIGN_OR_RETURN(NormalisedPicture normalised,
                   NormaliseInTurn(stores_, tenant_, deadline_, field, bytes));

  v1::ConceptPicture picture;
  ASSIGN_OR_RETURN(*picture.mutable_blob(),
                   PutBlob(stores_.blobs, tenant_, normalised.png, "image/png"));
  picture.set_width(normalised.width);
  picture.set_height(normalised.height);
  picture.set_source_sha256(announced.sha256());
  picture.set_file_name(announced.file_name());
  RETURN_IF_ERROR(stores_.catalog.SavePicture(
      tenant_, {.picture = picture, .fingerprint = PackNotes(normalised)}));
  pictures_[announced.sha256()] = {std::move(picture), normalised.fingerprint,
                                   std::move(normalised.warnings)};
  return absl::OkStatus();
}

/// Finds pictures that earlier calls have stored: true when none is missing. A row without a
/// fingerprint, of an older version, does not count as stored.
absl::StatusOr<bool> ConceptUpload::FindStored() {
  bool all = true;
  for (const auto& announced : header_.pictures()) {
    if (pictures_.contains(announced.sha256())) continue;
    auto found = stores_.catalog.FindPicture(tenant_, announced.sha256());
    if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
    Picture stored;
    if (found.ok() && UnpackNotes(found->fingerprint, stored.fingerprint, stored.warnings) &&
        CheckBlob(stores_.blobs, tenant_, found->picture.blob()).ok()) {
      stored.message = std::move(found->picture);
      pictures_[announced.sha256()] = std::move(stored);
    } else {
      all = false;
    }
  }
  return all;
}

absl::Status ConceptUpload::Finish(v1::UploadConceptResponse& answer) {
  if (!has_header_) return FieldError("header", "must be sent");
  if (first_answer_) {
    *answer.mutable_uploaded_concept() = Shown(std::move(*first_answer_));
    return absl::OkStatus();
  }
  if (current_ != -1) {
    return FieldError(PictureField(current_),
                      fmt::format("ended after {} of {} bytes", bytes_.size(),
                                  header_.pictures(current_).size_bytes()));
  }
  RETURN_IF_ERROR(errors_.status());
  ASSIGN_OR_RETURN(const bool all, FindStored());
  if (!all) {
    AddMissing(answer);
    return absl::OkStatus();
  }
  v1::Concept uploaded;
  uploaded.set_display_name(header_.display_name());
  for (const auto& announced : header_.pictures()) {
    v1::ConceptPicture& picture = *uploaded.add_pictures();
    picture = pictures_.at(announced.sha256()).message;
    picture.set_file_name(announced.file_name());
  }
  AddWarnings(uploaded);
  auto created = stores_.catalog.CreateConcept(key_, std::move(uploaded));
  // Garbage collection may have deleted a picture in the meantime.
  if (Reason(created.status()) == "BLOB_MISSING") return ListDeleted(answer);
  if (!created.ok()) return created.status();
  *answer.mutable_uploaded_concept() = Shown(*std::move(created));
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

/// Answers with the pictures that have been deleted since they were found.
absl::Status ConceptUpload::ListDeleted(v1::UploadConceptResponse& answer) {
  pictures_.clear();
  ASSIGN_OR_RETURN(const bool all, FindStored());
  if (all) return absl::UnavailableError("pictures: are being deleted; call again");
  AddMissing(answer);
  return absl::OkStatus();
}

/// Adds what is odd about each picture, and a warning for each pair that looks the same.
void ConceptUpload::AddWarnings(v1::Concept& uploaded) const {
  std::vector<Fingerprint> fingerprints;
  for (int i = 0; i < uploaded.pictures_size(); ++i) {
    const Picture& picture = pictures_.at(uploaded.pictures(i).source_sha256());
    fingerprints.push_back(picture.fingerprint);
    for (const PictureWarning& warning : picture.warnings) {
      *uploaded.add_warnings() =
          WarningOf(warning.reason, fmt::format("{}: {}", PictureField(i), warning.text));
    }
  }
  for (const auto& [first, second] : Duplicates(fingerprints)) {
    *uploaded.add_warnings() =
        WarningOf("DUPLICATE_PICTURES",
                  fmt::format("{} and {} look the same", PictureField(static_cast<int>(first)),
                              PictureField(static_cast<int>(second))));
  }
}

}  // namespace vico::server
