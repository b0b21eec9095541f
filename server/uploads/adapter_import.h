// One import of an adapter: the header, then the bytes of the file and of its reference picture.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "common/crypto/sha256.h"
#include "common/mutex.h"
#include "server/checks/adapter_check.h"
#include "server/jobs/catalog.h"
#include "server/resources/stores.h"
#include "server/rpc/client_stream.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// Limits the imports that run at the same time, of each tenant and in all. Any thread.
class ImportPlaces {
 public:
  bool Take(const std::string& tenant);
  void Return(const std::string& tenant);  ///< after a successful Take()

 private:
  Mutex mutex_;
  std::map<std::string, int> taken_ ABSL_GUARDED_BY(mutex_);  // by tenant
  int all_ ABSL_GUARDED_BY(mutex_) = 0;
};

/// Writes the file to the blob store as it arrives and checks it there. It becomes a blob only when
/// it is valid, so a failed import leaves nothing behind.
class AdapterImport final : public StreamSink<v1::ImportAdapterRequest, v1::Adapter> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The reference picture waits for its decoding until `deadline`. The references must outlive it.
  AdapterImport(Stores& stores, std::string tenant, Time deadline, ImportPlaces& places);
  ~AdapterImport() override;

  absl::Status Consume(v1::ImportAdapterRequest message) override;
  absl::Status Finish(v1::Adapter& answer) override;

 private:
  absl::Status ConsumeHeader(v1::ImportAdapterRequest::Header header);
  absl::Status ConsumeChunk(const v1::ImportAdapterRequest::Chunk& chunk);
  absl::Status CheckWhole();
  absl::StatusOr<AdapterFacts> CheckFile();
  absl::StatusOr<v1::OfferedBaseModel> BaseModelWith(const std::string& digest);
  absl::StatusOr<std::string> NormalisedReference();
  void AddWarnings(const v1::OfferedBaseModel& base_model, v1::Adapter& adapter) const;

  Stores& stores_;
  const std::string tenant_;
  const Time deadline_;
  ImportPlaces& places_;
  bool has_place_ = false;
  bool has_header_ = false;
  v1::ImportAdapterRequest::Header header_;
  RequestKey key_;
  std::unique_ptr<v1::Adapter> first_answer_;  // if the request is a repeat
  std::unique_ptr<BlobWriter> file_;
  Sha256 file_digest_;
  uint64_t file_bytes_ = 0;
  std::string reference_;
};

}  // namespace vico::server
