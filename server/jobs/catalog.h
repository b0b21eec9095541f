// What is there besides jobs: concepts and their pictures, adapters, and the base models that
// workers offer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/jobs/request_key.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/concept.pb.h"
#include "vico/v1/model.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

struct PageQuery {
  std::string tenant;
  int page_size = 50;        ///< 1..100
  std::string page_token{};  ///< from the page before; empty for the first
};

struct ConceptPage {
  std::vector<v1::Concept> concepts;  ///< newest first
  std::string next_page_token;        ///< empty on the last page
};

struct AdapterPage {
  std::vector<v1::Adapter> adapters;  ///< newest first
  std::string next_page_token;        ///< empty on the last page
};

/// Any thread; durable when a call returns OK. Another tenant's things are kNotFound. A repeat of a
/// creating call returns what the first one made (kNotFound if it has been deleted since); the same
/// request id with another body hash is kFailedPrecondition, reason REQUEST_ID_REUSED. A page token
/// that is not ours is kInvalidArgument. Blobs that a row names must be durable before; one that is
/// not there (any more) is kFailedPrecondition, reason BLOB_MISSING.
class Catalog {
 public:
  virtual ~Catalog() = default;

  /// The concept made by this request, to be asked before an upload begins; kNotFound when there is
  /// none yet.
  virtual absl::StatusOr<v1::Concept> FindConceptByRequest(const RequestKey& key) = 0;

  /// Name and create time are filled in here.
  virtual absl::StatusOr<v1::Concept> CreateConcept(const RequestKey& key,
                                                    v1::Concept uploaded_concept) = 0;
  virtual absl::StatusOr<v1::Concept> GetConcept(std::string_view tenant,
                                                 std::string_view name) = 0;
  virtual absl::StatusOr<ConceptPage> ListConcepts(const PageQuery& query) = 0;

  /// kFailedPrecondition, reason IN_USE, while a queued or running job names it.
  virtual absl::Status DeleteConcept(std::string_view tenant, std::string_view name) = 0;

  /// Remembers what an uploaded picture became, so that an upload cut short, or a second concept,
  /// need not send it again. The newest wins.
  virtual absl::Status SavePicture(std::string_view tenant, const v1::ConceptPicture& picture) = 0;

  /// What the picture with this digest (of the bytes as uploaded) became; kNotFound when it never
  /// came. `file_name` is the first upload's.
  virtual absl::StatusOr<v1::ConceptPicture> FindPicture(std::string_view tenant,
                                                         std::string_view source_sha256) = 0;

  /// An import; adapters of trainings are made by JobStore::Finish. Name and create time are filled
  /// in here.
  virtual absl::StatusOr<v1::Adapter> FindAdapterByRequest(const RequestKey& key) = 0;
  virtual absl::StatusOr<v1::Adapter> CreateAdapter(const RequestKey& key, v1::Adapter adapter) = 0;
  virtual absl::StatusOr<v1::Adapter> GetAdapter(std::string_view tenant,
                                                 std::string_view name) = 0;
  virtual absl::StatusOr<AdapterPage> ListAdapters(const PageQuery& query) = 0;

  /// kFailedPrecondition, reason IN_USE, while a queued or running job names it.
  virtual absl::Status DeleteAdapter(std::string_view tenant, std::string_view name) = 0;

  /// A worker says what it serves. Replaces what it said before. kFailedPrecondition, reason
  /// BASE_MODEL_DIFFERS, when another living worker serves a base model of the same name with
  /// another digest.
  virtual absl::Status RegisterWorker(const v1::RegisterRequest& request) = 0;

  /// The worker is alive: it leased, reported or waits. In memory only. kFailedPrecondition, reason
  /// NOT_REGISTERED, for a worker that this server has not seen register (as after a restart).
  virtual absl::Status WorkerSeen(std::string_view worker) = 0;

  /// What the worker registered; kNotFound when it has not.
  virtual absl::StatusOr<v1::RegisterRequest> GetWorker(std::string_view worker) = 0;

  /// By name; `base_model.available` says whether a worker that serves it was seen lately.
  virtual absl::StatusOr<v1::OfferedBaseModel> GetBaseModel(std::string_view name) = 0;
  virtual absl::StatusOr<std::vector<v1::OfferedBaseModel>> ListBaseModels() = 0;
};

/// A worker not seen for longer than this counts as gone.
inline constexpr absl::Duration kWorkerGoneAfter = absl::Seconds(60);

}  // namespace vico::server
