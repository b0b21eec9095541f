// The interface of the store of concepts and their pictures, uploaded pictures, adapters, and base
// models.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/jobs/request_key.h"
#include "server/jobs/resource_update.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/concept.pb.h"
#include "vico/v1/model.pb.h"
#include "vico/v1/picture.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

struct PageQuery {
  std::string tenant;
  int page_size = 50;        ///< 1..100
  std::string page_token{};  ///< of the previous page; empty for the first
};

struct ConceptPage {
  std::vector<v1::Concept> concepts;  ///< newest first
  std::string next_page_token;        ///< empty on the last page
  int64_t total_size = 0;             ///< of all pages; at most kMostCounted of JobStore
};

struct AdapterPage {
  std::vector<v1::Adapter> adapters;  ///< newest first
  std::string next_page_token;        ///< empty on the last page
  int64_t total_size = 0;             ///< of all pages; at most kMostCounted of JobStore
};

/// What an uploaded picture became.
struct StoredPicture {
  v1::ConceptPicture picture;
  std::string fingerprint;  ///< packed by server/pictures; empty in rows of versions before 0.2
};

/// Any thread; durable when a call returns OK. Another tenant's resources are kNotFound. A repeat
/// of a creating call returns the first answer (kNotFound, reason REQUEST_RESULT_DELETED, if the
/// resource has been deleted since);
/// the same request id with another body hash is kFailedPrecondition, reason REQUEST_ID_REUSED. A
/// malformed page token is kInvalidArgument. A reference to a blob that is not stored is
/// kFailedPrecondition, reason BLOB_MISSING.
class Catalog {
 public:
  virtual ~Catalog() = default;

  /// The concept that this request created; kNotFound, reason REQUEST_IS_NEW, when the request is
  /// new. For use before an upload begins.
  virtual absl::StatusOr<v1::Concept> FindConceptByRequest(const RequestKey& key) = 0;

  /// Fills in name and create time.
  virtual absl::StatusOr<v1::Concept> CreateConcept(const RequestKey& key,
                                                    v1::Concept uploaded_concept) = 0;
  virtual absl::StatusOr<v1::Concept> GetConcept(std::string_view tenant,
                                                 std::string_view name) = 0;
  virtual absl::StatusOr<ConceptPage> ListConcepts(const PageQuery& query) = 0;

  /// Changes display name and labels. kNotFound; kInvalidArgument as ApplyUpdate().
  virtual absl::StatusOr<v1::Concept> UpdateConcept(std::string_view tenant, std::string_view name,
                                                    const ResourceUpdate& update) = 0;

  /// kFailedPrecondition, reason IN_USE, while a queued or running job uses it.
  virtual absl::Status DeleteConcept(std::string_view tenant, std::string_view name) = 0;

  /// Stores what an uploaded picture became, so that an upload that was cut short, or a second
  /// concept, need not send it again. Replaces an earlier row.
  virtual absl::Status SavePicture(std::string_view tenant, const StoredPicture& stored) = 0;

  /// Finds a picture by the digest of the bytes as uploaded; kNotFound when there is none.
  /// `file_name` is the first upload's.
  virtual absl::StatusOr<StoredPicture> FindPicture(std::string_view tenant,
                                                    std::string_view source_sha256) = 0;

  /// Pictures of UploadPicture. Fills in name, create time and expire time. kResourceExhausted,
  /// reason QUOTA_EXCEEDED, when the tenant has its number of them.
  virtual absl::StatusOr<v1::UploadedPicture> FindUploadedByRequest(const RequestKey& key) = 0;
  virtual absl::StatusOr<v1::UploadedPicture> CreateUploaded(const RequestKey& key,
                                                             v1::UploadedPicture picture) = 0;
  virtual absl::StatusOr<v1::UploadedPicture> GetUploaded(std::string_view tenant,
                                                          std::string_view name) = 0;

  /// Jobs that start from the picture keep its blob.
  virtual absl::Status DeleteUploaded(std::string_view tenant, std::string_view name) = 0;

  /// Deletes uploaded pictures whose expire time has come, a hundred at most. Returns how many.
  virtual absl::StatusOr<int> DeleteExpired() = 0;

  /// For imports, and fills in name and create time; JobStore::Finish creates the adapters of
  /// trainings. kResourceExhausted, reason QUOTA_EXCEEDED, when the tenant has its number of
  /// adapters.
  virtual absl::StatusOr<v1::Adapter> FindAdapterByRequest(const RequestKey& key) = 0;
  virtual absl::StatusOr<v1::Adapter> CreateAdapter(const RequestKey& key, v1::Adapter adapter) = 0;
  virtual absl::StatusOr<v1::Adapter> GetAdapter(std::string_view tenant,
                                                 std::string_view name) = 0;
  virtual absl::StatusOr<AdapterPage> ListAdapters(const PageQuery& query) = 0;

  /// Changes display name and labels. kNotFound; kInvalidArgument as ApplyUpdate().
  virtual absl::StatusOr<v1::Adapter> UpdateAdapter(std::string_view tenant, std::string_view name,
                                                    const ResourceUpdate& update) = 0;

  /// kFailedPrecondition, reason IN_USE, while a queued or running job uses it.
  virtual absl::Status DeleteAdapter(std::string_view tenant, std::string_view name) = 0;

  /// The report of the adapter's newest evaluation, which JobStore::Finish stores. kNotFound,
  /// reason ADAPTER_NOT_FOUND or NO_REPORT.
  virtual absl::StatusOr<v1::AdapterReport> GetReport(std::string_view tenant,
                                                      std::string_view adapter) = 0;

  /// "concepts/{id}" of the pictures that the adapter was trained on, which may have been deleted
  /// since. Empty for an import, and if there is no such adapter.
  virtual absl::StatusOr<std::string> ConceptOf(std::string_view tenant,
                                                std::string_view adapter) = 0;

  /// Stores the base models that a worker offers, each in place of the earlier one of its name.
  virtual absl::Status SaveBaseModels(const std::vector<v1::OfferedBaseModel>& offers) = 0;

  /// As stored: WorkerRegistry adds whether a base model is available. kNotFound.
  virtual absl::StatusOr<v1::OfferedBaseModel> GetBaseModel(std::string_view name) = 0;
  virtual absl::StatusOr<std::vector<v1::OfferedBaseModel>> ListBaseModels() = 0;  ///< by name

  /// The names of the base models that the tenant's adapters or its queued and running jobs need.
  virtual absl::StatusOr<std::set<std::string>> BaseModelsInUse(std::string_view tenant) = 0;
};

}  // namespace vico::server
