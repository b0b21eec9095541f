// One import of an adapter: the header, then the bytes of the file and of its reference picture.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "server/checks/adapter_check.h"
#include "server/jobs/catalog.h"
#include "server/rpc/client_stream.h"
#include "server/services/stores.h"
#include "vico/v1/adapter.pb.h"

namespace vico::server {

/// Holds the bytes in memory until they are checked, so that a failed import leaves nothing behind.
/// Few imports run at the same time for that reason.
class AdapterImport final : public StreamSink<v1::ImportAdapterRequest, v1::Adapter> {
 public:
  /// `running` counts the running imports. Both references must outlive it.
  AdapterImport(Stores& stores, std::string tenant, std::atomic<int>& running);
  ~AdapterImport() override;

  absl::Status Consume(v1::ImportAdapterRequest message) override;
  absl::Status Finish(v1::Adapter& answer) override;

 private:
  absl::Status ConsumeHeader(v1::ImportAdapterRequest::Header header);
  absl::Status ConsumeChunk(const v1::ImportAdapterRequest::Chunk& chunk);
  absl::StatusOr<std::string> BaseModelWith(const std::string& digest);
  absl::StatusOr<std::string> NormalisedReference() const;

  Stores& stores_;
  const std::string tenant_;
  std::atomic<int>& running_;
  bool counted_ = false;
  bool has_header_ = false;
  v1::ImportAdapterRequest::Header header_;
  RequestKey key_;
  std::unique_ptr<v1::Adapter> first_answer_;  // if the request is a repeat
  std::string file_;
  std::string reference_;
};

}  // namespace vico::server
