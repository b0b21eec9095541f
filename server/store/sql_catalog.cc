#include "server/store/sql_catalog.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/failpoint.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"
#include "server/jobs/job_kinds.h"
#include "server/jobs/job_store.h"
#include "server/rows/adapter_quota.h"
#include "server/rows/adapter_rows.h"
#include "server/rows/page_token.h"
#include "server/store/resource_table.h"

namespace vico::server {
namespace {

// The tables of concepts and adapters have the same shape, one message a row.
struct ConceptTable {
  using Message = v1::Concept;
  static constexpr std::string_view kListName = "concepts";
  static constexpr std::string_view kFind =
      "SELECT message FROM concept WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kHold =
      "SELECT message FROM concept WHERE name = ? AND tenant = ? FOR NO KEY UPDATE";
  static constexpr std::string_view kUpdate =
      "UPDATE concept SET message = ? WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kList =
      "SELECT message, number FROM concept WHERE tenant = ? AND number < ? "
      "ORDER BY number DESC LIMIT ?";
  static constexpr std::string_view kUsers =
      "SELECT name FROM job WHERE concept = ? AND tenant = ? "
      "AND state IN ('queued', 'running') ORDER BY number";
  static constexpr std::string_view kCount =
      "SELECT count(*) FROM (SELECT 1 FROM concept WHERE tenant = ? LIMIT ?) AS counted";
  static constexpr std::string_view kDelete = "DELETE FROM concept WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kMissing = "CONCEPT_NOT_FOUND";
  /// The users of its blobs besides the concept itself.
  static std::vector<std::string> FurtherUsers(std::string_view /*name*/) { return {}; }
  static absl::Status CheckQuota(SqlSession&, const TenantQuota&, std::string_view) {
    return absl::OkStatus();
  }
  static std::string NewName() { return ConceptName(NewId()); }
  static absl::Status Insert(SqlSession& db, std::string_view tenant, const v1::Concept& message,
                             Bytes bytes) {
    return db.Send("INSERT INTO concept (name, tenant, message) VALUES (?, ?, ?)",
                   {message.name(), tenant, bytes});
  }
  static std::vector<v1::BlobRef> BlobsOf(const v1::Concept& message) {
    std::vector<v1::BlobRef> blobs;
    for (const v1::ConceptPicture& picture : message.pictures()) blobs.push_back(picture.blob());
    return blobs;
  }
};

struct AdapterTable {
  using Message = v1::Adapter;
  static constexpr std::string_view kListName = "adapters";
  static constexpr std::string_view kFind =
      "SELECT message FROM adapter WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kHold =
      "SELECT message FROM adapter WHERE name = ? AND tenant = ? FOR NO KEY UPDATE";
  static constexpr std::string_view kUpdate =
      "UPDATE adapter SET message = ? WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kList =
      "SELECT message, number FROM adapter WHERE tenant = ? AND number < ? "
      "ORDER BY number DESC LIMIT ?";
  static constexpr std::string_view kUsers =
      "SELECT name FROM job WHERE adapter = ? AND tenant = ? "
      "AND state IN ('queued', 'running') ORDER BY number";
  static constexpr std::string_view kCount =
      "SELECT count(*) FROM (SELECT 1 FROM adapter WHERE tenant = ? LIMIT ?) AS counted";
  static constexpr std::string_view kDelete = "DELETE FROM adapter WHERE name = ? AND tenant = ?";
  static constexpr std::string_view kMissing = "ADAPTER_NOT_FOUND";
  static std::vector<std::string> FurtherUsers(std::string_view name) { return {ReportUser(name)}; }
  static absl::Status CheckQuota(SqlSession& db, const TenantQuota& quota,
                                 std::string_view tenant) {
    return CheckAdapterQuota(db, quota, tenant);
  }
  static std::string NewName() { return AdapterName(NewId()); }
  static absl::Status Insert(SqlSession& db, std::string_view tenant, const v1::Adapter& message,
                             Bytes bytes) {
    return db.Send("INSERT INTO adapter (name, tenant, message) VALUES (?, ?, ?)",
                   {message.name(), tenant, bytes});
  }
  static std::vector<v1::BlobRef> BlobsOf(const v1::Adapter& message) {
    return {message.blob(), message.reference()};
  }
};

absl::StatusOr<v1::AdapterReport> NoReport(std::string_view adapter) {
  return Error(absl::StatusCode::kNotFound,
               fmt::format("{}: no evaluation of it has succeeded yet", adapter), "NO_REPORT");
}

// One page into `messages`; sets token and size in `page`.
template <typename Table, typename Page>
absl::Status List(Database& database, const PageQuery& query,
                  std::vector<typename Table::Message>& messages, Page& page) {
  const PageScope scope{Table::kListName, query.tenant};
  return database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t below, BelowNumber(db, scope, query.page_token));
    int64_t last = 0;
    bool more = false;
    RETURN_IF_ERROR(db.Query(Table::kList, {query.tenant, below, int64_t{query.page_size} + 1},
                             [&](const SqlRow& row) -> absl::Status {
                               if (messages.size() == static_cast<size_t>(query.page_size)) {
                                 more = true;
                                 return absl::OkStatus();
                               }
                               ASSIGN_OR_RETURN(auto message,
                                                ParseStored<typename Table::Message>(row.Text(0)));
                               messages.push_back(std::move(message));
                               last = row.Int(1);
                               return absl::OkStatus();
                             }));
    page.total_size = static_cast<int64_t>(messages.size());
    if (more || !query.page_token.empty()) {
      ASSIGN_OR_RETURN(page.total_size,
                       db.QueryInt(Table::kCount, {query.tenant, kMostCounted}, 0));
    }
    if (!more) return absl::OkStatus();
    ASSIGN_OR_RETURN(page.next_page_token, PageToken(db, scope, last));
    return absl::OkStatus();
  });
}

template <typename Table>
absl::StatusOr<typename Table::Message> Update(Database& database, std::string_view tenant,
                                               std::string_view name,
                                               const ResourceUpdate& update) {
  typename Table::Message message;
  RETURN_IF_ERROR(database.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(message, FindStored<typename Table::Message>(db, Table::kHold, {name, tenant},
                                                                  NoSuchResource<Table>(name)));
    RETURN_IF_ERROR(
        ApplyUpdate(update, *message.mutable_display_name(), *message.mutable_labels()));
    const std::string bytes = message.SerializeAsString();
    return db.Send(Table::kUpdate, {Bytes{bytes}, name, tenant});
  }));
  return message;
}

template <typename Table>
absl::Status CheckNotInUse(SqlSession& db, std::string_view tenant, std::string_view name) {
  constexpr size_t kNamed = 5;
  std::vector<std::string> users;
  size_t count = 0;
  RETURN_IF_ERROR(db.Query(Table::kUsers, {name, tenant}, [&](const SqlRow& row) {
    if (++count <= kNamed) users.push_back(row.Text(0));
    return absl::OkStatus();
  }));
  if (count == 0) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("{}: is used by {} queued or running jobs: {}{}", name, count,
                           fmt::join(users, ", "), count > kNamed ? ", ..." : ""),
               "IN_USE");
}

// JobStore::Submit looks for the inputs in its own transaction, so no queued job loses its input.
template <typename Table>
absl::Status Delete(Database& database, absl::Time now, std::string_view tenant,
                    std::string_view name) {
  return database.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(db.Lock(TenantScope(tenant)));
    RETURN_IF_ERROR(CheckNotInUse<Table>(db, tenant, name));
    return DeleteResource<Table>(db, now, tenant, name);
  });
}

}  // namespace

absl::StatusOr<v1::Concept> SqlCatalog::FindConceptByRequest(const RequestKey& key) {
  return FindResourceByRequest<ConceptTable>(database_, key);
}

absl::StatusOr<v1::Concept> SqlCatalog::CreateConcept(const RequestKey& key,
                                                      v1::Concept uploaded_concept) {
  return CreateResource<ConceptTable>(database_, time_.Wall(), quota_, key,
                                      std::move(uploaded_concept));
}

absl::StatusOr<v1::Concept> SqlCatalog::GetConcept(std::string_view tenant, std::string_view name) {
  return GetResource<ConceptTable>(database_, tenant, name);
}

absl::StatusOr<ConceptPage> SqlCatalog::ListConcepts(const PageQuery& query) {
  ConceptPage page;
  RETURN_IF_ERROR(List<ConceptTable>(database_, query, page.concepts, page));
  return page;
}

absl::StatusOr<v1::Concept> SqlCatalog::UpdateConcept(std::string_view tenant,
                                                      std::string_view name,
                                                      const ResourceUpdate& update) {
  return Update<ConceptTable>(database_, tenant, name, update);
}

absl::Status SqlCatalog::DeleteConcept(std::string_view tenant, std::string_view name) {
  return Delete<ConceptTable>(database_, time_.Now(), tenant, name);
}

absl::Status SqlCatalog::SavePicture(std::string_view tenant, const StoredPicture& stored) {
  VICO_FAILPOINT("picture.before_row");
  const std::string bytes = stored.picture.SerializeAsString();
  return database_.Write([&](SqlSession& db) {
    return db.Send(
        "INSERT INTO picture (tenant, source_sha256, message, fingerprint) "
        "VALUES (?, ?, ?, ?) ON CONFLICT (tenant, source_sha256) DO UPDATE SET "
        "message = excluded.message, fingerprint = excluded.fingerprint",
        {tenant, stored.picture.source_sha256(), Bytes{bytes}, Bytes{stored.fingerprint}});
  });
}

absl::StatusOr<StoredPicture> SqlCatalog::FindPicture(std::string_view tenant,
                                                      std::string_view source_sha256) {
  absl::StatusOr<StoredPicture> found =
      Error(absl::StatusCode::kNotFound,
            fmt::format("picture {}: was never uploaded", source_sha256), "PICTURE_NOT_FOUND");
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query(
        "SELECT message, fingerprint FROM picture WHERE tenant = ? AND source_sha256 = ?",
        {tenant, source_sha256}, [&](const SqlRow& row) -> absl::Status {
          StoredPicture stored;
          ASSIGN_OR_RETURN(stored.picture, ParseStored<v1::ConceptPicture>(row.Text(0)));
          stored.fingerprint = row.Text(1);
          found = std::move(stored);
          return absl::OkStatus();
        });
  }));
  return found;
}

absl::StatusOr<v1::Adapter> SqlCatalog::FindAdapterByRequest(const RequestKey& key) {
  return FindResourceByRequest<AdapterTable>(database_, key);
}

absl::StatusOr<v1::Adapter> SqlCatalog::CreateAdapter(const RequestKey& key, v1::Adapter adapter) {
  return CreateResource<AdapterTable>(database_, time_.Wall(), quota_, key, std::move(adapter));
}

absl::StatusOr<v1::Adapter> SqlCatalog::GetAdapter(std::string_view tenant, std::string_view name) {
  return GetResource<AdapterTable>(database_, tenant, name);
}

absl::StatusOr<AdapterPage> SqlCatalog::ListAdapters(const PageQuery& query) {
  AdapterPage page;
  RETURN_IF_ERROR(List<AdapterTable>(database_, query, page.adapters, page));
  return page;
}

absl::StatusOr<v1::Adapter> SqlCatalog::UpdateAdapter(std::string_view tenant,
                                                      std::string_view name,
                                                      const ResourceUpdate& update) {
  return Update<AdapterTable>(database_, tenant, name, update);
}

absl::Status SqlCatalog::DeleteAdapter(std::string_view tenant, std::string_view name) {
  return Delete<AdapterTable>(database_, time_.Now(), tenant, name);
}

absl::StatusOr<v1::AdapterReport> SqlCatalog::GetReport(std::string_view tenant,
                                                        std::string_view adapter) {
  absl::StatusOr<v1::AdapterReport> found = NoSuchResource<AdapterTable>(adapter);
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query("SELECT report FROM adapter WHERE name = ? AND tenant = ?", {adapter, tenant},
                    [&](const SqlRow& row) {
                      found = row.Text(0).empty() ? NoReport(adapter)
                                                  : ParseStored<v1::AdapterReport>(row.Text(0));
                      return absl::OkStatus();
                    });
  }));
  return found;
}

absl::StatusOr<std::string> SqlCatalog::ConceptOf(std::string_view tenant,
                                                  std::string_view adapter) {
  std::string name;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(name, ConceptOfAdapter(db, tenant, adapter));
    return absl::OkStatus();
  }));
  return name;
}

absl::Status SaveBaseModelRows(SqlSession& db, absl::Time now,
                               const std::vector<v1::OfferedBaseModel>& offers) {
  for (const v1::OfferedBaseModel& offer : offers) {
    const std::string& name = offer.base_model().name();
    RETURN_IF_ERROR(UnnameBlobs(db, now, kSystemTenant, name));
    RETURN_IF_ERROR(NameBlobs(db, kSystemTenant, name,
                              {offer.vocabulary(), offer.merges(), offer.added_tokens()}));
    const std::string bytes = offer.SerializeAsString();
    RETURN_IF_ERROR(
        db.Send("INSERT INTO base_model (name, digest, message) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, "
                "message = excluded.message WHERE base_model.message <> excluded.message",
                {offer.base_model().name(), offer.base_model().digest(), Bytes{bytes}}));
  }
  return absl::OkStatus();
}

absl::Status SqlCatalog::SaveBaseModels(const std::vector<v1::OfferedBaseModel>& offers) {
  return database_.Write(
      [&](SqlSession& db) { return SaveBaseModelRows(db, time_.Now(), offers); });
}

absl::StatusOr<v1::OfferedBaseModel> SqlCatalog::GetBaseModel(std::string_view name) {
  v1::OfferedBaseModel offer;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(
        offer, FindStored<v1::OfferedBaseModel>(
                   db, "SELECT message FROM base_model WHERE name = ?", {name},
                   Error(absl::StatusCode::kNotFound, fmt::format("{}: no such base model", name),
                         "BASE_MODEL_NOT_FOUND")));
    return absl::OkStatus();
  }));
  return offer;
}

absl::StatusOr<std::vector<v1::OfferedBaseModel>> SqlCatalog::ListBaseModels() {
  std::vector<v1::OfferedBaseModel> offers;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query("SELECT message FROM base_model ORDER BY name", {},
                    [&](const SqlRow& row) -> absl::Status {
                      ASSIGN_OR_RETURN(auto offer, ParseStored<v1::OfferedBaseModel>(row.Text(0)));
                      offers.push_back(std::move(offer));
                      return absl::OkStatus();
                    });
  }));
  return offers;
}

absl::StatusOr<std::set<std::string>> SqlCatalog::BaseModelsInUse(std::string_view tenant) {
  std::set<std::string> names;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    // Each half reads the index of its state. By the tenant alone SQLite reads all its jobs.
    static const std::string kOfJobs = fmt::format(
        "SELECT base_model FROM job WHERE state = 'queued' AND tenant = ?1 AND {0} "
        "UNION SELECT base_model FROM job WHERE state = 'running' AND tenant = ?1 AND {0}",
        kOfAnyKind);
    RETURN_IF_ERROR(db.Query(kOfJobs, {tenant}, [&](const SqlRow& row) {
      names.insert(row.Text(0));
      return absl::OkStatus();
    }));
    return db.Query("SELECT message FROM adapter WHERE tenant = ?", {tenant},
                    [&](const SqlRow& row) -> absl::Status {
                      ASSIGN_OR_RETURN(const auto adapter, ParseStored<v1::Adapter>(row.Text(0)));
                      names.insert(adapter.base_model());
                      return absl::OkStatus();
                    });
  }));
  return names;
}

}  // namespace vico::server
