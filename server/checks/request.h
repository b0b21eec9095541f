// Checks requests and turns them into complete values. All limits on input are here and in
// request*.cc; other code does not check again. Each error names the field's path and says what is
// allowed and what it got.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include "common/text/tokenizer.h"
#include "server/checks/words.h"
#include "server/jobs/job_pictures.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/concept.pb.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/job_service.pb.h"
#include "vico/v1/model.pb.h"
#include "vico/v1/picture.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// An allowed range, both ends included.
struct Bounds {
  std::string_view field;  ///< path in the request, as "train.steps"
  double min = 0;
  double max = 0;
};

inline constexpr Bounds kTrainSteps{"train.steps", 1, 5000};
inline constexpr Bounds kTrainBatchSize{"train.batch_size", 1, 4};
inline constexpr Bounds kTrainDevices{"train.devices", 1, 8};
inline constexpr Bounds kEmbeddingRate{"train.embedding_learning_rate", 1e-6, 1e-1};
inline constexpr Bounds kAttentionRate{"train.attention_learning_rate", 1e-6, 1e-1};
inline constexpr Bounds kRegularizerWeight{"train.regularizer_weight", 0, 1};
inline constexpr Bounds kMinSnrGamma{"train.min_snr_gamma", 0, 100};
inline constexpr Bounds kSampleEverySteps{"train.sample_every_steps", 0, 5000};
inline constexpr Bounds kSamplePrompts{"train.sample_prompts", 0, 4};
inline constexpr Bounds kThumbnailSide{"thumbnail_side", 64, 1024};
inline constexpr Bounds kPictureCount{"generate.picture_count", 1, 8};
inline constexpr Bounds kGuidanceScale{"generate.guidance_scale", 0, 30};
inline constexpr Bounds kGenerateSteps{"generate.steps", 1, 100};
inline constexpr Bounds kPreviewEverySteps{"generate.preview_every_steps", 0, 100};
inline constexpr Bounds kEta{"generate.eta", 0, 1};
inline constexpr Bounds kStrength{"generate.strength", 0, 2};
inline constexpr Bounds kGeneratePrompts{"generate.prompts", 0, 8};
inline constexpr Bounds kPromptBytes{"generate.prompt", 1, 1024};
inline constexpr Bounds kConceptPictures{"header.pictures", 2, 20};
inline constexpr Bounds kPictureBytes{"header.pictures.size_bytes", 1, 10 << 20};
inline constexpr Bounds kAdapterBytes{"header.size_bytes", 1, 512 << 20};

inline constexpr uint64_t kConceptBytes = uint64_t{64} << 20;   ///< all pictures of an upload
inline constexpr size_t kChunkBytes = size_t{1} << 20;          ///< data in one message
inline constexpr uint64_t kTokenizerBytes = uint64_t{8} << 20;  ///< one tokenizer file
inline constexpr uint64_t kResultBytes = uint64_t{512} << 20;   ///< one blob of a worker

/// The ranges that GetCapabilities returns.
std::span<const Bounds> FieldLimits();

/// The names that requests may use.
std::span<const std::string_view> Schedulers();
std::span<const v1::Dialect> Dialects();

/// kInvalidArgument that names `bounds.field` unless min <= value <= max; NaN is refused.
absl::Status CheckBounds(const Bounds& bounds, double value);

/// kInvalidArgument that lists the allowed names when `value` is none of the enum's.
absl::Status CheckEnumNumber(std::string_view field, const google::protobuf::EnumDescriptor& type,
                             int value);
template <typename Enum>
absl::Status CheckEnum(std::string_view field, Enum value) {
  return CheckEnumNumber(field, *google::protobuf::GetEnumDescriptor<Enum>(), value);
}

/// 16..64 characters of [A-Za-z0-9._-].
absl::Status CheckRequestId(std::string_view field, std::string_view request_id);

/// 0 becomes 50, more than 100 becomes 100. kInvalidArgument for a negative number.
absl::StatusOr<int> CheckPageSize(int page_size);

/// Sources of a spec's defaults. The references must outlive the call.
struct SpecSurroundings {
  const v1::BaseModel& base_model;
  const Tokenizer& tokenizer;                  ///< of the base model
  const std::function<uint64_t()>& draw_seed;  ///< 64 random bits
};

/// Its texts become plain.
v1::Event::Warning WarningOf(std::string_view reason, std::string_view message);

struct CheckedSpec {
  v1::JobSpec spec;  ///< complete: a worker needs no defaults
  std::vector<v1::Event::Warning> warnings;
  JobPictures pictures{};  ///< that the spec names; set by SpecCheck
};

/// `spec.concept_name` is the name of `picture_set`. The init word must be one token, the
/// placeholder none. Missing fields get the base model's defaults, or those of the paper. One error
/// names all wrong fields.
absl::StatusOr<CheckedSpec> CheckTrainSpec(const v1::TrainSpec& spec,
                                           const v1::Concept& picture_set,
                                           const SpecSurroundings& surroundings);

/// `adapter` is null for a bare base model; whether it fits the base model is for base_model_fit.h.
/// Seeds are expanded to one per picture of a prompt. One error names all wrong fields.
absl::StatusOr<CheckedSpec> CheckGenerateSpec(const v1::GenerateSpec& spec,
                                              const v1::Adapter* adapter,
                                              const SpecSurroundings& surroundings);

/// Make the file names valid: they are shown to people and never used.
void CleanFileNames(v1::UploadConceptRequest::Header& header);
void CleanFileName(v1::UploadPictureRequest::Header& header);
absl::Status CheckUploadHeader(const v1::UploadConceptRequest::Header& header);
absl::Status CheckPictureHeader(const v1::UploadPictureRequest::Header& header);
absl::Status CheckImportHeader(const v1::ImportAdapterRequest::Header& header);

/// Size of a chunk of any stream: 1 byte..1 MiB.
absl::Status CheckChunk(std::string_view field, std::string_view data);

absl::Status CheckRegistration(const v1::RegisterRequest& request);
absl::Status CheckLeaseRequest(const v1::LeaseRequest& request);
absl::Status CheckReport(const v1::ReportRequest& request);

/// The same report with texts that are safe to show (common/plain_text.h).
v1::ReportRequest WithPlainTexts(v1::ReportRequest report);
absl::Status CheckFinish(const v1::FinishRequest& request);

/// The form of the digest, and the size: 1..`limit_bytes`.
absl::Status CheckBlobRef(std::string_view field, const v1::BlobRef& blob, uint64_t limit_bytes);

}  // namespace vico::server
