#include "server/checks/request.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include "common/crypto/sha256.h"
#include "common/field_errors.h"
#include "common/ids.h"
#include "common/plain_text.h"
#include "common/schedulers.h"
#include "common/status.h"
#include "server/checks/adapter_report.h"
#include "server/checks/evaluate_spec.h"
#include "server/jobs/job.h"

namespace vico::server {
namespace {

constexpr std::array<Bounds, 22> kLimits{kTrainSteps,
                                         kTrainBatchSize,
                                         kTrainDevices,
                                         kEmbeddingRate,
                                         kAttentionRate,
                                         kRegularizerWeight,
                                         kMinSnrGamma,
                                         kSampleEverySteps,
                                         kPictureCount,
                                         kGuidanceScale,
                                         kGenerateSteps,
                                         kPreviewEverySteps,
                                         kEta,
                                         kPromptBytes,
                                         kConceptPictures,
                                         kPictureBytes,
                                         kSamplePrompts,
                                         kThumbnailSide,
                                         kStrength,
                                         kGeneratePrompts,
                                         kEvaluatePictureCount,
                                         kEvaluatePrompts};
constexpr std::array<v1::Dialect, 2> kDialects{v1::DIALECT_PAPER, v1::DIALECT_MMAGIC};

constexpr size_t kMaxName = 255;  // characters of display names, file names, worker names
constexpr int kMaxLeasedJobs = 8;
constexpr int kMaxLeasedKinds = 20;
constexpr int kMaxEvents = 256;     // of one report
constexpr int kMaxBaseModels = 64;  // of one worker
constexpr int kMaxDevices = 1024;   // of one worker

/// Writes whole numbers without a point or an exponent.
std::string Text(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (value == std::floor(value) && std::fabs(value) < kExact) {
    return fmt::format("{}", static_cast<int64_t>(value));
  }
  return fmt::format("{:g}", value);
}

absl::Status CheckDigest(std::string_view field, std::string_view sha256) {
  if (IsSha256Hex(sha256)) return absl::OkStatus();
  return FieldError(field, "must be 64 lower-case hexadecimal digits");
}

/// The server sums workers' loads, so each must be plausible.
absl::Status CheckLoad(const v1::WorkerLoad& load) {
  RETURN_IF_ERROR(
      CheckBounds({"load.memory_bytes", 0, 1e15}, static_cast<double>(load.memory_bytes())));
  return CheckBounds({"load.loaded_adapters", 0, 1e6}, load.loaded_adapters());
}

absl::Status CheckLeasedKinds(const v1::LeaseRequest& request) {
  RETURN_IF_ERROR(CheckBounds({"kinds", 0, kMaxLeasedKinds}, request.kinds_size()));
  for (int i = 0; i < request.kinds_size(); ++i) {
    const std::string field = fmt::format("kinds[{}]", i);
    RETURN_IF_ERROR(CheckEnum(field, request.kinds(i)));
    if (request.kinds(i) == v1::JOB_KIND_UNSPECIFIED) {
      return FieldError(field, "must not be unspecified");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::span<const Bounds> FieldLimits() { return kLimits; }
std::span<const std::string_view> Schedulers() { return kSchedulerNames; }
std::span<const v1::Dialect> Dialects() { return kDialects; }

absl::Status CheckBounds(const Bounds& bounds, double value) {
  if (value >= bounds.min && value <= bounds.max) return absl::OkStatus();
  return FieldError(bounds.field, fmt::format("must be {}..{}, got {}", Text(bounds.min),
                                              Text(bounds.max), Text(value)));
}

absl::Status CheckEnumNumber(std::string_view field, const google::protobuf::EnumDescriptor& type,
                             int value) {
  if (type.FindValueByNumber(value) != nullptr) return absl::OkStatus();
  std::string names;
  for (int i = 1; i < type.value_count(); ++i) {  // the first means unspecified
    names += (i == 1 ? "" : i + 1 < type.value_count() ? ", " : " or ") + type.value(i)->name();
  }
  return FieldError(field, fmt::format("must be {}, got {}", names, value));
}

absl::Status CheckRequestId(std::string_view field, std::string_view request_id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (request_id.size() < 16 || request_id.size() > 64 ||
      !std::all_of(request_id.begin(), request_id.end(), allowed)) {
    return WrongCharacters(field, request_id, 16, 64, "[A-Za-z0-9._-]");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> CheckPageSize(int page_size) {
  constexpr int kDefault = 50;
  constexpr int kMost = 100;
  if (page_size < 0) {
    return FieldError("page_size", fmt::format("must be at least 0, got {}", page_size));
  }
  return page_size == 0 ? kDefault : std::min(page_size, kMost);
}

void CleanFileNames(v1::UploadConceptRequest::Header& header) {
  for (auto& picture : *header.mutable_pictures()) {
    picture.set_file_name(PlainName(picture.file_name(), kMaxName));
  }
}

void CleanFileName(v1::UploadPictureRequest::Header& header) {
  header.set_file_name(PlainName(header.file_name(), kMaxName));
}

absl::Status CheckUploadHeader(const v1::UploadConceptRequest::Header& header) {
  FieldErrors errors;
  errors.Add(CheckRequestId("header.request_id", header.request_id()));
  errors.Add(CheckName("header.display_name", header.display_name(), kMaxName));
  errors.Add(CheckBounds(kConceptPictures, header.pictures_size()));
  if (header.pictures_size() > kConceptPictures.max) return errors.status();
  uint64_t total = 0;
  for (int i = 0; i < header.pictures_size(); ++i) {
    const auto& picture = header.pictures(i);
    const std::string field = fmt::format("header.pictures[{}]", i);
    errors.Add(CheckDigest(field + ".sha256", picture.sha256()));
    const std::string size_field = field + ".size_bytes";
    const absl::Status size = CheckBounds({size_field, kPictureBytes.min, kPictureBytes.max},
                                          static_cast<double>(picture.size_bytes()));
    errors.Add(size);
    if (size.ok()) total += picture.size_bytes();
    errors.Add(CheckName(field + ".file_name", picture.file_name(), kMaxName));
  }
  if (total > kConceptBytes) {
    errors.Add("header.pictures",
               fmt::format("must have at most {} bytes together, got {}", kConceptBytes, total));
  }
  return errors.status();
}

absl::Status CheckPictureHeader(const v1::UploadPictureRequest::Header& header) {
  FieldErrors errors;
  errors.Add(CheckRequestId("header.request_id", header.request_id()));
  errors.Add(CheckDigest("header.sha256", header.sha256()));
  errors.Add(CheckBounds({"header.size_bytes", kPictureBytes.min, kPictureBytes.max},
                         static_cast<double>(header.size_bytes())));
  errors.Add(CheckName("header.file_name", header.file_name(), kMaxName));
  return errors.status();
}

absl::Status CheckImportHeader(const v1::ImportAdapterRequest::Header& header) {
  FieldErrors errors;
  errors.Add(CheckRequestId("header.request_id", header.request_id()));
  if (!header.base_model().empty() && !IsBaseModelName(header.base_model())) {
    errors.Add("header.base_model", "must be \"baseModels/{id}\" or left out");
  }
  errors.Add(CheckBounds(kAdapterBytes, static_cast<double>(header.size_bytes())));
  const Bounds reference{"header.reference_size_bytes", kPictureBytes.min, kPictureBytes.max};
  errors.Add(CheckBounds(reference, static_cast<double>(header.reference_size_bytes())));
  errors.Add(CheckDigest("header.sha256", header.sha256()));
  errors.Add(CheckDigest("header.reference_sha256", header.reference_sha256()));
  return errors.status();
}

absl::Status CheckChunk(std::string_view field, std::string_view data) {
  return CheckBounds({field, 1, static_cast<double>(kChunkBytes)},
                     static_cast<double>(data.size()));
}

absl::Status CheckRegistration(const v1::RegisterRequest& request) {
  if (request.worker().empty()) return FieldError("worker", "must not be empty");
  RETURN_IF_ERROR(CheckName("worker", request.worker(), kMaxName));
  RETURN_IF_ERROR(CheckName("device", request.device(), kMaxName));
  RETURN_IF_ERROR(CheckName("build_version", request.build_version(), kMaxName));
  RETURN_IF_ERROR(CheckBounds({"devices", 0, kMaxDevices}, request.devices()));
  RETURN_IF_ERROR(CheckBounds({"base_models", 1, kMaxBaseModels}, request.base_models_size()));
  std::set<std::string> names;
  for (int i = 0; i < request.base_models_size(); ++i) {
    const v1::OfferedBaseModel& offered = request.base_models(i);
    const v1::BaseModel& base_model = offered.base_model();
    const std::string field = fmt::format("base_models[{}]", i);
    if (!IsBaseModelName(base_model.name())) {
      return FieldError(field + ".base_model.name",
                        "must be baseModels/ and 1..63 characters of [a-z0-9._-]");
    }
    if (!names.insert(base_model.name()).second) {
      return FieldError(field + ".base_model.name", "is named twice");
    }
    RETURN_IF_ERROR(CheckDigest(field + ".base_model.digest", base_model.digest()));
    if (!base_model.shape_digest().empty()) {
      RETURN_IF_ERROR(CheckDigest(field + ".base_model.shape_digest", base_model.shape_digest()));
    }
    RETURN_IF_ERROR(
        CheckName(field + ".base_model.display_name", base_model.display_name(), kMaxName));
    for (const std::string& name : base_model.transformers()) {
      RETURN_IF_ERROR(CheckName(field + ".base_model.transformers", name, kMaxName));
    }
    if (base_model.size_multiple() < 1 || base_model.min_side() < 1 ||
        base_model.min_side() > base_model.max_side() ||
        base_model.resolution() < base_model.min_side() ||
        base_model.resolution() > base_model.max_side() || base_model.max_side() > 4096) {
      return FieldError(field + ".base_model",
                        "must have 1 <= min_side <= resolution <= max_side <= 4096");
    }
    const std::string context_field = field + ".base_model.context_tokens";
    RETURN_IF_ERROR(CheckBounds({context_field, 3, 1024}, base_model.context_tokens()));
    RETURN_IF_ERROR(CheckBlobRef(field + ".vocabulary", offered.vocabulary(), kTokenizerBytes));
    RETURN_IF_ERROR(CheckBlobRef(field + ".merges", offered.merges(), kTokenizerBytes));
    if (offered.has_added_tokens()) {
      RETURN_IF_ERROR(
          CheckBlobRef(field + ".added_tokens", offered.added_tokens(), kTokenizerBytes));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLeaseRequest(const v1::LeaseRequest& request) {
  if (request.worker().empty()) return FieldError("worker", "must not be empty");
  if (request.nonce().empty()) return FieldError("nonce", "must not be empty");
  RETURN_IF_ERROR(CheckName("worker", request.worker(), kMaxName));
  RETURN_IF_ERROR(CheckName("nonce", request.nonce(), kMaxName));
  RETURN_IF_ERROR(CheckBounds({"base_models", 0, kMaxBaseModels}, request.base_models_size()));
  RETURN_IF_ERROR(CheckBounds({"devices", 0, kMaxDevices}, request.devices()));
  RETURN_IF_ERROR(CheckLeasedKinds(request));
  RETURN_IF_ERROR(CheckLoad(request.load()));
  return CheckBounds({"max_jobs", 0, kMaxLeasedJobs}, request.max_jobs());
}

absl::Status CheckReport(const v1::ReportRequest& request) {
  if (request.report_number() == 0) return FieldError("report_number", "must be 1 or more, got 0");
  RETURN_IF_ERROR(CheckLoad(request.load()));
  RETURN_IF_ERROR(CheckBounds({"events", 0, kMaxEvents}, request.events_size()));
  for (int i = 0; i < request.events_size(); ++i) {
    const std::string field = fmt::format("events[{}].blob", i);
    for (const v1::BlobRef& blob : BlobsNamedBy(request.events(i))) {
      RETURN_IF_ERROR(CheckBlobRef(field, blob, kResultBytes));
    }
  }
  return absl::OkStatus();
}

v1::Event::Warning WarningOf(std::string_view reason, std::string_view message) {
  v1::Event::Warning warning;
  warning.set_reason(PlainText(reason));
  warning.set_message(PlainText(message));
  return warning;
}

v1::ReportRequest WithPlainTexts(v1::ReportRequest report) {
  for (v1::Event& event : *report.mutable_events()) {
    if (event.has_mask()) {
      event.mutable_mask()->set_site(PlainText(event.mask().site()));
    }
    if (event.has_warning()) {
      *event.mutable_warning() = WarningOf(event.warning().reason(), event.warning().message());
    }
  }
  return report;
}

absl::Status CheckFinish(const v1::FinishRequest& request) {
  if (request.outcome_case() == v1::FinishRequest::OUTCOME_NOT_SET) {
    return FieldError("outcome", "must be given");
  }
  if (request.has_evaluated()) return CheckReportOf(request.evaluated().report());
  for (const v1::BlobRef& blob : BlobsNamedBy(request)) {
    RETURN_IF_ERROR(CheckBlobRef("outcome.blob", blob, kResultBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckBlobRef(std::string_view field, const v1::BlobRef& blob, uint64_t limit_bytes) {
  RETURN_IF_ERROR(CheckDigest(fmt::format("{}.sha256", field), blob.sha256()));
  RETURN_IF_ERROR(CheckName(fmt::format("{}.media_type", field), blob.media_type(), kMaxName));
  const std::string path = fmt::format("{}.size_bytes", field);
  return CheckBounds({path, 1, static_cast<double>(limit_bytes)},
                     static_cast<double>(blob.size_bytes()));
}

}  // namespace vico::server
