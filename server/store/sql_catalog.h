// The catalog on SQL.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "server/jobs/catalog.h"
#include "server/jobs/store_clock.h"
#include "server/sql/database.h"
#include "server/tenants/tenant_quota.h"

namespace vico::server {

/// Stores base models, each in place of the earlier one of its name, and references their tokenizer
/// files. `now` is store time. kFailedPrecondition, reason BLOB_MISSING, as NameBlobs().
absl::Status SaveBaseModelRows(SqlSession& db, absl::Time now,
                               const std::vector<v1::OfferedBaseModel>& offers);

class SqlCatalog final : public Catalog {
 public:
  /// The references must outlive the catalog.
  SqlCatalog(Database& database, const StoreClock& time, const TenantQuota& quota = {},
             absl::Duration keep_uploaded_pictures = Retention().uploaded_pictures)
      : database_(database),
        time_(time),
        quota_(quota),
        keep_uploaded_pictures_(keep_uploaded_pictures) {}

  absl::StatusOr<v1::Concept> FindConceptByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::Concept> CreateConcept(const RequestKey& key,
                                            v1::Concept uploaded_concept) override;
  absl::StatusOr<v1::Concept> GetConcept(std::string_view tenant, std::string_view name) override;
  absl::StatusOr<ConceptPage> ListConcepts(const PageQuery& query) override;
  absl::StatusOr<v1::Concept> UpdateConcept(std::string_view tenant, std::string_view name,
                                            const ResourceUpdate& update) override;
  absl::Status DeleteConcept(std::string_view tenant, std::string_view name) override;

  absl::Status SavePicture(std::string_view tenant, const StoredPicture& stored) override;
  absl::StatusOr<StoredPicture> FindPicture(std::string_view tenant,
                                            std::string_view source_sha256) override;

  absl::StatusOr<v1::UploadedPicture> FindUploadedByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::UploadedPicture> CreateUploaded(const RequestKey& key,
                                                     v1::UploadedPicture picture) override;
  absl::StatusOr<v1::UploadedPicture> GetUploaded(std::string_view tenant,
                                                  std::string_view name) override;
  absl::Status DeleteUploaded(std::string_view tenant, std::string_view name) override;
  absl::StatusOr<int> DeleteExpired() override;

  absl::StatusOr<v1::Adapter> FindAdapterByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::Adapter> CreateAdapter(const RequestKey& key, v1::Adapter adapter) override;
  absl::StatusOr<v1::Adapter> GetAdapter(std::string_view tenant, std::string_view name) override;
  absl::StatusOr<AdapterPage> ListAdapters(const PageQuery& query) override;
  absl::StatusOr<v1::Adapter> UpdateAdapter(std::string_view tenant, std::string_view name,
                                            const ResourceUpdate& update) override;
  absl::Status DeleteAdapter(std::string_view tenant, std::string_view name) override;

  absl::StatusOr<v1::AdapterReport> GetReport(std::string_view tenant,
                                              std::string_view adapter) override;
  absl::StatusOr<std::string> ConceptOf(std::string_view tenant, std::string_view adapter) override;

  absl::Status SaveBaseModels(const std::vector<v1::OfferedBaseModel>& offers) override;
  absl::StatusOr<v1::OfferedBaseModel> GetBaseModel(std::string_view name) override;
  absl::StatusOr<std::vector<v1::OfferedBaseModel>> ListBaseModels() override;
  absl::StatusOr<std::set<std::string>> BaseModelsInUse(std::string_view tenant) override;

 private:
  Database& database_;
  const StoreClock& time_;
  const TenantQuota quota_;
  const absl::Duration keep_uploaded_pictures_;
};

}  // namespace vico::server
