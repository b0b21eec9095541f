#include "server/uploads/adapter_import.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/formats/safetensors.h"
#include "common/status.h"
#include "server/checks/request.h"
#include "server/checks/spec_check.h"
#include "server/pictures/intake.h"

namespace vico::server {
namespace {

constexpr int kMostOfATenant = 2;
constexpr int kMost = 8;

}  // namespace

bool ImportPlaces::Take(const std::string& tenant) {
  MutexLock lock(mutex_);
  if (all_ >= kMost || taken_[tenant] >= kMostOfATenant) return false;
  ++taken_[tenant];
  ++all_;
  return true;
}

void ImportPlaces::Return(const std::string& tenant) {
  MutexLock lock(mutex_);
  --all_;
  const auto found = taken_.find(tenant);
  if (--found->second == 0) taken_.erase(found);
}

AdapterImport::AdapterImport(Stores& stores, std::string tenant, Time deadline,
                             ImportPlaces& places)
    : stores_(stores), tenant_(std::move(tenant)), deadline_(deadline), places_(places) {}

AdapterImport::~AdapterImport() {
  if (has_place_) places_.Return(tenant_);
}

absl::Status AdapterImport::Consume(v1::ImportAdapterRequest message) {
  switch (message.part_case()) {
    case v1::ImportAdapterRequest::kHeader:
      return ConsumeHeader(std::move(*message.mutable_header()));
    case v1::ImportAdapterRequest::kChunk:
      return ConsumeChunk(message.chunk());
    default:
      return FieldError("part", "must be a header or a chunk");
  }
}

absl::Status AdapterImport::ConsumeHeader(v1::ImportAdapterRequest::Header header) {
  if (has_header_) return FieldError("header", "must come once, first");
  RETURN_IF_ERROR(CheckImportHeader(header));
  has_place_ = places_.Take(tenant_);
  if (!has_place_) {
    return WithRetryAfter(Error(absl::StatusCode::kResourceExhausted,
                                "other adapters are being imported", "TOO_MANY_IMPORTS"),
                          absl::Seconds(5));
  }
  has_header_ = true;
  header_ = std::move(header);
  key_ = {.tenant = tenant_,
          .request_id = header_.request_id(),
          .body_hash = Sha256Hex("ImportAdapter\n" + header_.SerializeAsString())};
  auto first = stores_.catalog.FindAdapterByRequest(key_);
  if (first.ok()) {
    first_answer_ = std::make_unique<v1::Adapter>(*std::move(first));
    return absl::OkStatus();
  }
  if (Reason(first.status()) != "REQUEST_IS_NEW") return first.status();
  RETURN_IF_ERROR(stores_.admission.Upload());
  ASSIGN_OR_RETURN(file_, stores_.blobs.Create(tenant_));
  return absl::OkStatus();
}

absl::Status AdapterImport::ConsumeChunk(const v1::ImportAdapterRequest::Chunk& chunk) {
  if (!has_header_) return FieldError("header", "must come before the first chunk");
  RETURN_IF_ERROR(CheckChunk("chunk.data", chunk.data()));
  if (first_answer_) return absl::OkStatus();
  const uint64_t received = chunk.reference() ? reference_.size() : file_bytes_;
  const uint64_t size = chunk.reference() ? header_.reference_size_bytes() : header_.size_bytes();
  if (received + chunk.data().size() > size) {
    return FieldError("chunk.data", fmt::format("exceeds the {} bytes announced for the {}", size,
                                                chunk.reference() ? "reference" : "file"));
  }
  if (chunk.reference()) {
    reference_ += chunk.data();
    return absl::OkStatus();
  }
  file_digest_.Update(chunk.data());
  file_bytes_ += chunk.data().size();
  return file_->Append(chunk.data());
}

/// The base model on offer that the file was made for.
absl::StatusOr<v1::OfferedBaseModel> AdapterImport::BaseModelWith(const std::string& digest) {
  if (!header_.base_model().empty()) {
    auto named = stores_.workers.GetBaseModel(header_.base_model());
    if (!named.ok()) {
      return NameMissing("header.base_model", header_.base_model(), named.status());
    }
    if (named->base_model().digest() != digest) {
      return Error(
          absl::StatusCode::kFailedPrecondition,
          fmt::format("header.base_model: the adapter was made for another base model than "
                      "the {} on offer",
                      header_.base_model()),
          "BASE_MODEL_DIFFERS");
    }
    return named;
  }
  ASSIGN_OR_RETURN(std::vector<v1::OfferedBaseModel> all, stores_.workers.ListBaseModels());
  for (v1::OfferedBaseModel& offered : all) {
    if (offered.base_model().digest() == digest) return std::move(offered);
  }
  return Error(absl::StatusCode::kFailedPrecondition,
               "no base model on offer is the one the adapter was made for", "BASE_MODEL_DIFFERS");
}

/// The reference as the server stores it. It is always normalised, since workers decode it without
/// confinement.
absl::StatusOr<std::string> AdapterImport::NormalisedReference() {
  ASSIGN_OR_RETURN(const DecodeQueue::Place place, stores_.decoding.Enter(tenant_, deadline_));
  absl::StatusOr<NormalisedPicture> picture = NormalisePicture(reference_, stores_.decoder);
  if (!picture.ok()) return PictureError("reference", picture.status());
  return std::move(picture->png);
}

/// Whether everything that was announced has arrived.
absl::Status AdapterImport::CheckWhole() {
  FieldErrors errors;
  const auto check = [&errors](const std::string& field, uint64_t announced, uint64_t received,
                               const std::string& announced_digest, const std::string& digest) {
    if (received != announced) {
      errors.Add(field + "size_bytes",
                 fmt::format("got {} bytes, {} were announced", received, announced));
    } else if (digest != announced_digest) {
      errors.Add(field + "sha256", "the bytes do not have the digest announced");
    }
  };
  check("header.", header_.size_bytes(), file_bytes_, header_.sha256(), file_digest_.HexDigest());
  check("header.reference_", header_.reference_size_bytes(), reference_.size(),
        header_.reference_sha256(), Sha256Hex(reference_));
  return errors.status();
}

absl::StatusOr<AdapterFacts> AdapterImport::CheckFile() {
  ASSIGN_OR_RETURN(MappedBytes bytes, file_->Map());
  const auto file = SafetensorsFile::FromMapping(std::move(bytes), "file");
  if (!file.ok()) return FieldError("file", ToStd(file.status().message()));
  auto facts = CheckAdapterFile(*file);
  if (!facts.ok()) return FieldError("file", ToStd(facts.status().message()));
  return facts;
}

void AdapterImport::AddWarnings(const v1::OfferedBaseModel& base_model,
                                v1::Adapter& adapter) const {
  const auto tokenizer = stores_.tokenizers.Get(base_model);
  if (!tokenizer.ok()) return;  // its worker has not uploaded the files again
  const std::string why = WhyNotPlaceholder(adapter.placeholder(), **tokenizer);
  if (!why.empty()) {
    *adapter.add_warnings() = WarningOf("PLACEHOLDER_IS_A_WORD", "placeholder: " + why);
  }
}

absl::Status AdapterImport::Finish(v1::Adapter& answer) {
  if (!has_header_) return FieldError("header", "must be sent");
  if (first_answer_) {
    answer = std::move(*first_answer_);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(CheckWhole());
  ASSIGN_OR_RETURN(const AdapterFacts facts, CheckFile());
  ASSIGN_OR_RETURN(const std::string reference, NormalisedReference());
  ASSIGN_OR_RETURN(const v1::OfferedBaseModel base_model, BaseModelWith(facts.base_model_digest));

  v1::Adapter adapter;
  adapter.set_base_model(base_model.base_model().name());
  ASSIGN_OR_RETURN(*adapter.mutable_blob(),
                   file_->Commit(header_.sha256(), "application/vnd.safetensors"));
  ASSIGN_OR_RETURN(*adapter.mutable_reference(),
                   PutBlob(stores_.blobs, tenant_, reference, "image/png"));
  adapter.set_base_model_digest(facts.base_model_digest);
  adapter.set_dialect(facts.dialect);
  adapter.set_placeholder(facts.placeholder);
  adapter.set_init_word(facts.init_word);
  AddWarnings(base_model, adapter);
  ASSIGN_OR_RETURN(answer, stores_.catalog.CreateAdapter(key_, std::move(adapter)));
  return absl::OkStatus();
}

}  // namespace vico::server
