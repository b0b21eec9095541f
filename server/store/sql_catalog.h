// The catalog in the embedded database; which workers are alive is kept in memory.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "common/clock.h"
#include "server/jobs/catalog.h"
#include "server/sql/database.h"
#include "server/jobs/steady_time.h"

namespace vico::server {

class SqlCatalog final : public Catalog {
 public:
  /// The references must outlive the catalog.
  SqlCatalog(Database& database, const Clock& clock)
      : database_(database), clock_(clock), steady_(clock) {}

  absl::StatusOr<v1::Concept> FindConceptByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::Concept> CreateConcept(const RequestKey& key,
                                            v1::Concept uploaded_concept) override;
  absl::StatusOr<v1::Concept> GetConcept(std::string_view tenant, std::string_view name) override;
  absl::StatusOr<ConceptPage> ListConcepts(const PageQuery& query) override;
  absl::Status DeleteConcept(std::string_view tenant, std::string_view name) override;

  absl::Status SavePicture(std::string_view tenant, const v1::ConceptPicture& picture) override;
  absl::StatusOr<v1::ConceptPicture> FindPicture(std::string_view tenant,
                                                 std::string_view source_sha256) override;

  absl::StatusOr<v1::Adapter> FindAdapterByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::Adapter> CreateAdapter(const RequestKey& key, v1::Adapter adapter) override;
  absl::StatusOr<v1::Adapter> GetAdapter(std::string_view tenant, std::string_view name) override;
  absl::StatusOr<AdapterPage> ListAdapters(const PageQuery& query) override;
  absl::Status DeleteAdapter(std::string_view tenant, std::string_view name) override;

  absl::Status RegisterWorker(const v1::RegisterRequest& request) override;
  absl::Status WorkerSeen(std::string_view worker) override;
  absl::StatusOr<v1::RegisterRequest> GetWorker(std::string_view worker) override;
  absl::StatusOr<v1::OfferedBaseModel> GetBaseModel(std::string_view name) override;
  absl::StatusOr<std::vector<v1::OfferedBaseModel>> ListBaseModels() override;

 private:
  struct Worker {
    v1::RegisterRequest registration;
    absl::Duration seen;  // uptime
  };
  // With mutex_ held.
  bool IsAlive(const Worker& worker) const;
  absl::Status CheckDigests(const v1::RegisterRequest& request) const;
  bool IsAvailable(const std::string& base_model) const;

  Database& database_;
  const Clock& clock_;
  const SteadyTime steady_;
  std::mutex mutex_;
  std::map<std::string, Worker, std::less<>> workers_;  // by name; guarded by mutex_
};

}  // namespace vico::server
