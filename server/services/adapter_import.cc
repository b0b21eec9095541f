#include "server/services/adapter_import.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/sha256.h"
#include "common/status.h"
#include "server/checks/request.h"
#include "server/checks/spec_check.h"
#include "server/pictures/intake.h"

namespace vico::server {
namespace {

constexpr int kMaxRunning = 2;

absl::Status CheckWhole(std::string_view size_field, std::string_view digest_field,
                        std::string_view bytes, uint64_t size, const std::string& sha256) {
  if (bytes.size() != size) {
    return FieldError(size_field,
                      fmt::format("got {} bytes, {} were announced", bytes.size(), size));
  }
  if (Sha256Hex(bytes) != sha256) {
    return FieldError(digest_field, "the bytes do not have the digest announced");
  }
  return absl::OkStatus();
}

}  // namespace

AdapterImport::AdapterImport(Stores& stores, std::string tenant, std::atomic<int>& running)
    : stores_(stores), tenant_(std::move(tenant)), running_(running) {}

AdapterImport::~AdapterImport() {
  if (counted_) --running_;
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
  counted_ = true;
  if (++running_ > kMaxRunning) {
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
  if (!absl::IsNotFound(first.status())) return first.status();
  return stores_.admission.Upload();
}

absl::Status AdapterImport::ConsumeChunk(const v1::ImportAdapterRequest::Chunk& chunk) {
  if (!has_header_) return FieldError("header", "must come before the first chunk");
  RETURN_IF_ERROR(CheckChunk("chunk.data", chunk.data()));
  if (first_answer_) return absl::OkStatus();
  std::string& bytes = chunk.reference() ? reference_ : file_;
  const uint64_t size = chunk.reference() ? header_.reference_size_bytes() : header_.size_bytes();
  if (bytes.size() + chunk.data().size() > size) {
    return FieldError("chunk.data", fmt::format("exceeds the {} bytes announced for the {}", size,
                                                chunk.reference() ? "reference" : "file"));
  }
  bytes += chunk.data();
  return absl::OkStatus();
}

/// The base model on offer that the file was made for.
absl::StatusOr<std::string> AdapterImport::BaseModelWith(const std::string& digest) {
  if (!header_.base_model().empty()) {
    const auto named = stores_.workers.GetBaseModel(header_.base_model());
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
    return header_.base_model();
  }
  ASSIGN_OR_RETURN(const std::vector<v1::OfferedBaseModel> all, stores_.workers.ListBaseModels());
  for (const v1::OfferedBaseModel& offered : all) {
    if (offered.base_model().digest() == digest) return offered.base_model().name();
  }
  return Error(absl::StatusCode::kFailedPrecondition,
               "no base model on offer is the one the adapter was made for", "BASE_MODEL_DIFFERS");
}

/// The reference as the server stores it. It is always normalised, since workers decode it without
/// confinement.
absl::StatusOr<std::string> AdapterImport::NormalisedReference() const {
  absl::StatusOr<NormalisedPicture> picture = NormalisePicture(reference_, stores_.decoder);
  if (!picture.ok()) return PictureError("reference", picture.status());
  return std::move(picture->png);
}

absl::Status AdapterImport::Finish(v1::Adapter& answer) {
  if (!has_header_) return FieldError("header", "must be sent");
  if (first_answer_) {
    answer = std::move(*first_answer_);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(CheckWhole("header.size_bytes", "header.sha256", file_, header_.size_bytes(),
                             header_.sha256()));
  RETURN_IF_ERROR(CheckWhole("header.reference_size_bytes", "header.reference_sha256", reference_,
                             header_.reference_size_bytes(), header_.reference_sha256()));
  // The blob becomes visible with Commit(); a writer without it leaves nothing behind.
  ASSIGN_OR_RETURN(const auto writer, stores_.blobs.Create(tenant_));
  RETURN_IF_ERROR(writer->Append(file_));
  const auto file = SafetensorsFile::FromBytes(std::move(file_), "file");
  if (!file.ok()) return FieldError("file", ToStd(file.status().message()));
  const auto facts = CheckAdapterFile(*file);
  if (!facts.ok()) return FieldError("file", ToStd(facts.status().message()));
  ASSIGN_OR_RETURN(const std::string reference, NormalisedReference());

  v1::Adapter adapter;
  ASSIGN_OR_RETURN(*adapter.mutable_base_model(), BaseModelWith(facts->base_model_digest));
  ASSIGN_OR_RETURN(*adapter.mutable_blob(),
                   writer->Commit(header_.sha256(), "application/vnd.safetensors"));
  ASSIGN_OR_RETURN(*adapter.mutable_reference(),
                   PutBlob(stores_.blobs, tenant_, reference, "image/png"));
  adapter.set_base_model_digest(facts->base_model_digest);
  adapter.set_dialect(facts->dialect);
  adapter.set_placeholder(facts->placeholder);
  adapter.set_init_word(facts->init_word);
  ASSIGN_OR_RETURN(answer, stores_.catalog.CreateAdapter(key_, std::move(adapter)));
  return absl::OkStatus();
}

}  // namespace vico::server
